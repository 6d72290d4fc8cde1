//! What close codes are called.

/// The name of a close code (RFC 6455 §7.4 and the IANA registry), for people.
pub(crate) const fn name(code: u16) -> &'static str {
    match code {
        1000 => "normal closure",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "unsupported data",
        1005 => "no status received",
        1006 => "abnormal closure",
        1007 => "invalid payload data",
        1008 => "policy violation",
        1009 => "message too big",
        1010 => "mandatory extension missing",
        1011 => "internal error",
        1012 => "service restart",
        1013 => "try again later",
        1014 => "bad gateway",
        1015 => "TLS handshake failed",
        3000 => "unauthorized",
        3003 => "forbidden",
        3008 => "timeout",
        1004 | 1016..=2999 => "reserved",
        3001..=3999 => "of a library or framework",
        4000..=4999 => "of the application",
        _ => "not a close code",
    }
}

/// A code with its name: `1000 (normal closure)`, or that there is none.
pub(crate) fn describe(code: Option<u16>) -> String {
    code.map_or_else(
        || "no code".to_owned(),
        |code| format!("{code} ({})", name(code)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_names_of_the_registry() {
        assert_eq!(describe(Some(1000)), "1000 (normal closure)");
        assert_eq!(describe(Some(4001)), "4001 (of the application)");
        assert_eq!(describe(Some(999)), "999 (not a close code)");
        assert_eq!(describe(None), "no code");
    }
}
