//! The files of the page, which the build embeds.

/// A file of the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asset {
    pub(super) content_type: &'static str,
    pub(super) body: &'static [u8],
}

/// The file behind this path of a request.
pub(super) fn find(path: &str) -> Option<Asset> {
    let name = match path.strip_prefix('/')? {
        "" => "index.html",
        name => name,
    };
    let (_, body) = FILES.iter().find(|(file, _)| *file == name)?;
    Some(Asset {
        content_type: content_type(name),
        body,
    })
}

/// Whether the page is in this build.
pub(super) fn are_there() -> bool {
    find("/").is_some()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

/// Names within the directory of the page, with `/`, and contents.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_page_are_found() {
        for path in [
            "",
            "index.html",
            "//",
            "/.",
            "/../Cargo.toml",
            "/index.html/",
        ] {
            assert!(find(path).is_none(), "{path}");
        }
        assert_eq!(
            find("/").map(|asset| asset.content_type),
            are_there().then_some("text/html; charset=utf-8")
        );
    }

    #[test]
    fn browsers_are_told_what_a_file_is() {
        assert_eq!(content_type("worker.js"), "text/javascript; charset=utf-8");
        assert_eq!(content_type("inspect_bg.wasm"), "application/wasm");
        assert_eq!(
            content_type("samples/deflate.pcapng"),
            "application/octet-stream"
        );
        assert_eq!(content_type("js"), "application/octet-stream");
    }
}
