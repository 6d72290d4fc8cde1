//! Cookies that servers set, and that they get again ([RFC 6265](https://www.rfc-editor.org/rfc/rfc6265)).

use std::{
    fmt, fs,
    io::{self, BufReader, Write as _},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cookie_store::{CookieStore, RawCookie};
use http::{HeaderMap, header};
use url::Url;

use crate::{DialError, dialer::url::Target};

/// A cookie jar: give it to a [`Dialer`](crate::Dialer), and what servers set is sent to them again. Clones share what is in it.
///
/// `ws://` counts as `http://` and `wss://` as `https://`: cookies that are `Secure` are set and sent over TLS only. A cookie for a whole
/// public suffix, such as `co.uk`, is refused.
#[derive(Clone, Default)]
pub struct CookieJar(Arc<Mutex<CookieStore>>);

impl CookieJar {
    /// An empty jar.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads what [`save`](Self::save) wrote. A file that does not exist is an empty jar. Blocks.
    ///
    /// # Errors
    ///
    /// What the operating system says, or [`io::ErrorKind::InvalidData`] if it is not such a file.
    pub fn load(path: impl AsRef<Path>) -> io::Result<Self> {
        let file = match fs::File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::new()),
            file => file?,
        };
        let store = cookie_store::serde::json::load_all(BufReader::new(file))
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
        Ok(Self(Arc::new(Mutex::new(store))))
    }

    /// Writes all cookies, those of the session too, as JSON. Only this user may read the file: cookies are credentials. Blocks.
    ///
    /// # Errors
    ///
    /// What the operating system says. The old file is whole then.
    pub fn save(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref();
        let mut bytes = Vec::new();
        cookie_store::serde::json::save_incl_expired_and_nonpersistent(&self.lock(), &mut bytes)
            .map_err(|error| io::Error::other(error.to_string()))?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let new = path.with_file_name(name);
        // What an earlier attempt left may be readable by others.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(new, path)
    }

    /// Takes the cookies of a response from this URL. A [`Dialer`](crate::Dialer) does so for every response, redirects and refusals
    /// included; this is for handshakes that are done elsewhere.
    ///
    /// # Errors
    ///
    /// [`DialError::InvalidUrl`] or [`DialError::UnsupportedScheme`]. Cookies that are malformed or not for this server are left out.
    pub fn store(&self, url: &str, headers: &HeaderMap) -> Result<(), DialError> {
        let (target, _) = Target::parse(url)?;
        self.store_from(target.http_url(), headers);
        Ok(())
    }

    /// The value of `Cookie` for a request to this URL. `None`: there are none for it.
    ///
    /// # Errors
    ///
    /// [`DialError::InvalidUrl`] or [`DialError::UnsupportedScheme`].
    pub fn cookies(&self, url: &str) -> Result<Option<String>, DialError> {
        let (target, _) = Target::parse(url)?;
        Ok(self.cookies_for(target.http_url()))
    }

    pub(super) fn store_from(&self, url: &Url, headers: &HeaderMap) {
        let mut store = self.lock();
        let mut room = MAX_COOKIES.saturating_sub(store.iter_any().count());
        for value in headers.get_all(header::SET_COOKIE) {
            let Ok(text) = str::from_utf8(value.as_bytes()) else {
                continue;
            };
            if text.len() > MAX_COOKIE_LEN || room == 0 {
                continue;
            }
            if let Some(cookie) = acceptable(text, url)
                && store.insert_raw(&cookie, url).is_ok()
            {
                room -= 1;
            }
        }
    }

    pub(super) fn cookies_for(&self, url: &Url) -> Option<String> {
        let store = self.lock();
        let mut cookies = store.matches(url);
        // The store lets them go to the local host without TLS.
        cookies.retain(|cookie| url.scheme() == "https" || cookie.secure() != Some(true));
        // A file may hold what no server could set.
        cookies.retain(|cookie| is_plain(cookie.name()) && is_plain(cookie.value()));
        // RFC 6265 §5.4: longer paths first.
        cookies.sort_by(|one, other| {
            let order = |cookie: &cookie_store::Cookie<'_>| String::from(&cookie.path).len();
            (order(other).cmp(&order(one))).then_with(|| one.name().cmp(other.name()))
        });
        let pairs: Vec<_> = cookies
            .iter()
            .map(|cookie| format!("{}={}", cookie.name(), cookie.value()))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    fn lock(&self) -> MutexGuard<'_, CookieStore> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.lock().iter_any().count();
        write!(f, "CookieJar({len} cookies)")
    }
}

/// A cookie that this server may set.
fn acceptable(text: &str, url: &Url) -> Option<RawCookie<'static>> {
    let mut cookie = RawCookie::parse(text.to_owned()).ok()?;
    // RFC 6265bis §5.7: who can read and change the connection sets no cookies for the encrypted one.
    if cookie.secure() == Some(true) && url.scheme() != "https" {
        return None;
    }
    // RFC 6265bis §4.1.3: a name that begins so promises what the cookie must keep.
    let begins = |prefix: &str| {
        (cookie.name().get(..prefix.len())).is_some_and(|name| name.eq_ignore_ascii_case(prefix))
    };
    let is_secure = cookie.secure() == Some(true);
    let is_of_host = is_secure && cookie.domain().is_none() && cookie.path() == Some("/");
    if (begins("__Secure-") && !is_secure) || (begins("__Host-") && !is_of_host) {
        return None;
    }
    if let Some(domain) = cookie.domain() {
        let domain = domain.trim_start_matches('.').to_ascii_lowercase();
        // RFC 6265 §5.3: a public suffix is nobody's; its own host may keep the cookie to itself.
        if psl::suffix_str(&domain) == Some(domain.as_str()) {
            if url.host_str() != Some(domain.as_str()) {
                return None;
            }
            cookie.unset_domain();
        }
    }
    Some(cookie)
}

/// Whether this cannot end a field or another cookie.
fn is_plain(text: &str) -> bool {
    text.trim() == text && !text.contains(|char: char| char.is_control() || char == ';')
}

/// RFC 6265bis §5.6: longer ones are ignored.
const MAX_COOKIE_LEN: usize = 4096;

/// What browsers keep, more or less.
const MAX_COOKIES: usize = 3000;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn jar(url: &str, cookies: &[&str]) -> CookieJar {
        let jar = CookieJar::new();
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::SET_COOKIE, HeaderValue::from_str(cookie).unwrap());
        }
        jar.store(url, &headers).unwrap();
        jar
    }

    fn cookies(jar: &CookieJar, url: &str) -> String {
        jar.cookies(url).unwrap().unwrap_or_default()
    }

    #[test]
    fn cookies_go_where_they_came_from() {
        let jar = jar(
            "wss://a.example.com/chat/room",
            &[
                "host=1",
                "all=2; Domain=example.com; Path=/",
                "path=3; Path=/x",
                "gone=4; Max-Age=0",
            ],
        );
        assert_eq!(cookies(&jar, "wss://a.example.com/chat/"), "host=1; all=2");
        assert_eq!(cookies(&jar, "https://b.example.com/"), "all=2");
        assert_eq!(cookies(&jar, "wss://a.example.com/x"), "path=3; all=2");
        assert_eq!(cookies(&jar, "wss://example.org/"), "");
        assert_eq!(format!("{jar:?}"), "CookieJar(3 cookies)");
    }

    #[test]
    fn secure_cookies_stay_on_tls() {
        let set = ["a=1; Secure", "b=2"];
        let encrypted = jar("wss://localhost/", &set);
        assert_eq!(cookies(&encrypted, "wss://localhost/"), "a=1; b=2");
        assert_eq!(cookies(&encrypted, "ws://localhost/"), "b=2");
        assert_eq!(
            cookies(&jar("ws://localhost/", &set), "wss://localhost/"),
            "b=2"
        );
    }

    #[test]
    fn nobody_sets_cookies_for_a_public_suffix() {
        for domain in ["co.uk", ".co.uk", "CO.UK", "uk", "github.io"] {
            let jar = jar("wss://a.co.uk/", &[&format!("a=1; Domain={domain}")]);
            assert_eq!(cookies(&jar, "wss://a.co.uk/"), "", "{domain}");
        }
        let own = jar("wss://github.io/", &["a=1; Domain=github.io"]);
        assert_eq!(cookies(&own, "wss://github.io/"), "a=1");
        assert_eq!(cookies(&own, "wss://x.github.io/"), "");
        assert_eq!(
            cookies(
                &jar("ws://localhost/", &["a=1; Domain=localhost"]),
                "ws://localhost/"
            ),
            "a=1"
        );
        let foreign = jar("wss://a.example.com/", &["a=1; Domain=b.example.com"]);
        assert_eq!(cookies(&foreign, "wss://b.example.com/"), "");
    }

    #[test]
    fn names_keep_what_they_promise() {
        let jar = jar(
            "wss://a.example/x/",
            &[
                "__Secure-a=1",
                "__secure-b=2; Secure",
                "__Host-c=3; Secure",
                "__Host-d=4; Secure; Path=/; Domain=a.example",
                "__Host-e=5; Secure; Path=/",
            ],
        );
        let kept = "__secure-b=2; __Host-e=5";
        assert_eq!(cookies(&jar, "wss://a.example/x/"), kept);
    }

    #[test]
    fn malformed_and_overlong_cookies_are_left_out() {
        let long = format!("a={}", "x".repeat(4096));
        let jar = jar("ws://a.example/", &["", "=1", &long, "b=2"]);
        assert_eq!(cookies(&jar, "ws://a.example/"), "b=2");
    }

    #[test]
    fn jar_has_an_end() {
        let jar = CookieJar::new();
        for part in 0..31 {
            let mut headers = HeaderMap::new();
            for index in 0..100 {
                let value = HeaderValue::try_from(format!("c{part}x{index}=1")).unwrap();
                headers.append(header::SET_COOKIE, value);
            }
            jar.store("ws://a.example/", &headers).unwrap();
        }
        assert_eq!(format!("{jar:?}"), "CookieJar(3000 cookies)");
    }

    #[test]
    fn saved_jar_is_loaded_with_the_cookies_of_the_session() {
        let directory = std::env::temp_dir().join(format!("sockeye-jar-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join("cookies.json");
        assert_eq!(
            format!("{:?}", CookieJar::load(&path).unwrap()),
            "CookieJar(0 cookies)"
        );
        let full = jar(
            "wss://a.example/",
            &["a=1; Secure", "b=2; Max-Age=1000; HttpOnly"],
        );
        full.save(&path).unwrap();
        full.save(&path).unwrap();
        let loaded = CookieJar::load(&path).unwrap();
        assert_eq!(cookies(&loaded, "wss://a.example/"), "a=1; b=2");
        assert_eq!(cookies(&loaded, "ws://a.example/"), "b=2");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let text = fs::read_to_string(&path).unwrap();
        let evil = text.replace("a=1", "a=1\\r\\nX-Evil: 1");
        assert_ne!(text, evil);
        fs::write(&path, evil).unwrap();
        let loaded = CookieJar::load(&path).unwrap();
        assert_eq!(cookies(&loaded, "wss://a.example/"), "b=2");
        fs::write(&path, "nonsense").unwrap();
        let error = CookieJar::load(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        fs::remove_dir_all(&directory).unwrap();
    }
}
