//! The value of `--deflate`.

use sockeye_host::Deflate;

/// Reads a list of settings: `level=5,server-bits=12,client-bits=12,no-takeover,server-no-takeover,client-no-takeover,threshold=64`.
///
/// # Errors
///
/// A sentence that says which setting is wrong, and what would be right.
pub(crate) fn parse(text: &str) -> Result<Deflate, String> {
    change(Deflate::server(), text)
}

/// The same for a client, which by default takes windows of any size.
///
/// # Errors
///
/// Those of [`parse`].
pub(crate) fn parse_for_client(text: &str) -> Result<Deflate, String> {
    change(Deflate::client(), text)
}

fn change(mut deflate: Deflate, text: &str) -> Result<Deflate, String> {
    for setting in text
        .split(',')
        .map(str::trim)
        .filter(|setting| !setting.is_empty())
    {
        match setting.split_once('=') {
            Some(("level", value)) => {
                deflate.level = number(value, 0, 9).ok_or_else(|| {
                    format!("`{value}` is not a compression level: 0 (store) to 9 (best)")
                })?;
            }
            Some((name @ ("server-bits" | "client-bits"), value)) => {
                let bits = number(value, 8, 15).ok_or_else(|| {
                    format!("`{value}` is not a window size: 8 to 15 bits, 256 bytes to 32 KiB")
                })?;
                if name == "server-bits" {
                    deflate.server_max_window_bits = bits;
                } else {
                    deflate.client_max_window_bits = bits;
                }
            }
            Some(("threshold", value)) => {
                deflate.threshold = value
                    .parse()
                    .map_err(|_| format!("`{value}` is not a number of bytes"))?;
            }
            None if setting == "no-takeover" => {
                deflate.server_no_context_takeover = true;
                deflate.client_no_context_takeover = true;
            }
            None if setting == "server-no-takeover" => deflate.server_no_context_takeover = true,
            None if setting == "client-no-takeover" => deflate.client_no_context_takeover = true,
            _ => {
                return Err(format!(
                    "`{setting}` is not a setting of compression: level=0..9, server-bits=8..15, client-bits=8..15, \
                     no-takeover, server-no-takeover, client-no-takeover, threshold=BYTES"
                ));
            }
        }
    }
    Ok(deflate)
}

fn number(text: &str, from: u8, to: u8) -> Option<u8> {
    text.parse()
        .ok()
        .filter(|number| (from..=to).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_means_the_defaults() {
        let deflate = parse("").expect("nothing is wrong with it");
        assert_eq!(deflate.level, 5);
        assert_eq!(deflate.server_max_window_bits, 12);
        assert_eq!(deflate.client_max_window_bits, 12);
        assert!(!deflate.server_no_context_takeover);
        assert!(!deflate.client_no_context_takeover);
        assert_eq!(deflate.threshold, 64);
    }

    #[test]
    fn clients_take_large_windows_unless_told_otherwise() {
        let deflate = parse_for_client("client-bits=9").expect("nothing is wrong with it");
        assert_eq!(deflate.server_max_window_bits, 15);
        assert_eq!(deflate.client_max_window_bits, 9);
    }

    #[test]
    fn every_setting_is_read() {
        let deflate = parse("level=9,server-bits=15,client-bits=8,server-no-takeover,threshold=0")
            .expect("nothing is wrong with it");
        assert_eq!(deflate.level, 9);
        assert_eq!(deflate.server_max_window_bits, 15);
        assert_eq!(deflate.client_max_window_bits, 8);
        assert!(deflate.server_no_context_takeover);
        assert!(!deflate.client_no_context_takeover);
        assert_eq!(deflate.threshold, 0);
        let deflate = parse("no-takeover").expect("nothing is wrong with it");
        assert!(deflate.server_no_context_takeover && deflate.client_no_context_takeover);
    }

    #[test]
    fn a_wrong_setting_is_named() {
        for (text, named) in [
            ("level=10", "`10`"),
            ("server-bits=7", "`7`"),
            ("client-bits=16", "`16`"),
            ("threshold=many", "`many`"),
            ("fast", "`fast`"),
            ("level", "`level`"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.starts_with(named), "{error}");
        }
    }
}
