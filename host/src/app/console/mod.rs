//! The page that shows lines, and sends some.

use sockeye_host::Page;

/// What the page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Lines come, none go.
    Watch,
    /// Lines go to a process, and its own come.
    Command,
}

/// Returns the pages of a server of this kind. `name` stands in the title.
pub(super) fn pages(
    kind: Kind,
    name: &str,
) -> impl Fn(&str) -> Option<Page> + Send + Sync + 'static {
    let kind = match kind {
        Kind::Watch => "watch",
        Kind::Command => "command",
    };
    // The name last: what looks like a place to fill in is not one there.
    let html = HTML
        .replace("{kind}", kind)
        .replace("{name}", &escape(name))
        .into_bytes();
    move |path| match path {
        "/" => Some(Page::new("text/html; charset=utf-8", html.clone())),
        "/console.css" => Some(Page::new("text/css; charset=utf-8", CSS)),
        "/console.js" => Some(Page::new("text/javascript; charset=utf-8", SCRIPT)),
        _ => None,
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

const HTML: &str = include_str!("console.html");
const CSS: &[u8] = include_bytes!("console.css");
const SCRIPT: &[u8] = include_bytes!("console.js");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_text_and_not_html() {
        let page = pages(Kind::Watch, "a<b>&\"c\"{kind}")("/").expect("a page");
        let html = String::from_utf8(page.body.into_owned()).expect("UTF-8");
        assert!(
            html.contains("<h1>a&lt;b&gt;&amp;&quot;c&quot;{kind}</h1>"),
            "{html}"
        );
        assert!(html.contains("<body data-kind=\"watch\">"), "{html}");
    }
}
