//! Opening handshakes of either side, from anybody.

use sockeye::{
    Agreement, ClientHandshake, DialOptions, HandshakeError, OriginPolicy, PerMessageDeflate, Role,
    ServerHandshake, UpgradeOptions,
};

use crate::{alloc, entropy, pieces};

/// Most bytes of heap that a handshake may take at once: the head and the places of its fields, both of which grow by doubling, the
/// refusal's body, and the answer.
fn bound(head_size: usize, max_headers: usize) -> isize {
    (2 * head_size + 2 * 32 * max_headers + 8192) as isize
}

/// A server reads a request and answers. The first two bytes choose its options and the cuts.
pub fn server_handshake(data: &[u8]) {
    let Some((&[flags, cut], bytes)) = data.split_first_chunk() else {
        return;
    };
    let mut options = UpgradeOptions::new();
    if flags & 1 != 0 {
        options.head_size = 300;
    }
    if flags & 2 != 0 {
        options.max_headers = 6;
    }
    if flags & 4 != 0 {
        options.deflate = Some(PerMessageDeflate::new(Role::Server));
    }
    if flags & 8 != 0 {
        options.origins = OriginPolicy::Any;
    }
    if flags & 16 != 0 {
        options.subprotocols = vec!["chat".into(), "superchat".into()];
    }
    let whole = serve(&options, bytes, &[]);
    assert_eq!(serve(&options, bytes, &[1]), whole);
    assert_eq!(serve(&options, bytes, &[cut, 3]), whole);
    let (outcome, response, taken) = whole;
    assert!(taken <= bytes.len() && taken <= options.head_size);
    match outcome {
        Ok(None) => assert!(response.is_empty()),
        Ok(Some(agreement)) => {
            assert_head(&response, "HTTP/1.1 101 Switching Protocols\r\n");
            assert!(response.ends_with(b"\r\n\r\n"));
            // Without a deflate of ours, none was agreed on, and the same for subprotocols.
            assert!(options.deflate.is_some() || agreement.deflate.is_none());
            if let Some(subprotocol) = &agreement.subprotocol {
                assert!(options.subprotocols.contains(subprotocol));
            }
        }
        Err(error) => match error.status() {
            Some(status) => assert_head(&response, &format!("HTTP/1.1 {status} ")),
            None => assert!(response.is_empty()),
        },
    }
}

type Served = (Result<Option<Agreement>, HandshakeError>, Vec<u8>, usize);

/// What came of a request, the response, and how many bytes were taken.
fn serve(options: &UpgradeOptions, bytes: &[u8], cuts: &[u8]) -> Served {
    let mut response = Vec::with_capacity(4096);
    let mut taken = 0;
    let base = alloc::live();
    let mut handshake = ServerHandshake::new();
    let mut outcome = Ok(None);
    for mut input in pieces(bytes, cuts) {
        let before = input.len();
        let received = handshake.receive(&mut input, options);
        taken += before - input.len();
        match received {
            Ok(None) => assert!(input.is_empty()),
            Ok(Some(request)) => {
                outcome = request.accept(options, &mut response).map(Some);
                if let Err(error) = &outcome {
                    request.refuse(error, &mut response);
                }
                break;
            }
            Err(error) => {
                assert_eq!(
                    handshake.receive(&mut input, options).err(),
                    Some(error.clone())
                );
                handshake.refuse(&error, &mut response);
                outcome = Err(error);
                break;
            }
        }
    }
    assert!(alloc::peak() - base <= bound(options.head_size, options.max_headers));
    // How much of a head that fails was taken is nobody's business.
    let taken = if outcome.is_ok() { taken } else { 0 };
    (outcome, response, taken)
}

/// Asserts that a response has one first line, which is this, and that no line break slipped into its fields.
#[track_caller]
fn assert_head(response: &[u8], first: &str) {
    assert!(response.starts_with(first.as_bytes()));
    let end = response.windows(4).position(|window| window == b"\r\n\r\n");
    let head = &response[..end.map_or(0, |end| end + 2)];
    assert!(!head.is_empty());
    for (number, line) in head.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r\n").unwrap_or_default();
        assert!(!line.is_empty() && !line.contains(&b'\r') && !line.contains(&0));
        assert!(number == 0 || line.windows(2).any(|window| window == b": "));
    }
}

/// A client reads a response. The first two bytes choose its options and the cuts.
pub fn client_handshake(data: &[u8]) {
    let Some((&[flags, cut], bytes)) = data.split_first_chunk() else {
        return;
    };
    let Ok(mut options) = DialOptions::new("server.example.com", "/chat") else {
        panic!("host and target are valid");
    };
    if flags & 1 != 0 {
        options.head_size = 300;
    }
    if flags & 2 != 0 {
        options.max_headers = 6;
    }
    options.deflate = (flags & 4 != 0).then(|| PerMessageDeflate::new(Role::Client));
    if flags & 8 != 0 {
        assert_eq!(options.set_subprotocols(["chat", "superchat"]), Ok(()));
    }
    let whole = dial(&options, bytes, &[]);
    assert_eq!(dial(&options, bytes, &[1]), whole);
    assert_eq!(dial(&options, bytes, &[cut, 3]), whole);
    if let Ok(Some(agreement)) = whole.0 {
        assert!(options.deflate.is_some() || agreement.deflate.is_none());
        assert!(flags & 8 != 0 || agreement.subprotocol.is_none());
    }
}

/// What came of a response, then of its end, and how many bytes were taken.
fn dial(
    options: &DialOptions,
    bytes: &[u8],
    cuts: &[u8],
) -> (
    Result<Option<Agreement>, HandshakeError>,
    Result<(), HandshakeError>,
    usize,
) {
    let base = alloc::live();
    let mut request = Vec::new();
    let mut handshake = ClientHandshake::new(options, entropy, &mut request);
    let mut outcome = Ok(None);
    let mut taken = 0;
    for mut input in pieces(bytes, cuts) {
        let before = input.len();
        let received = handshake.receive(&mut input);
        taken += before - input.len();
        match received {
            Ok(None) => assert!(input.is_empty()),
            done => {
                outcome = done;
                break;
            }
        }
    }
    assert!(alloc::peak() - base <= bound(options.head_size, options.max_headers));
    let taken = if outcome.is_ok() { taken } else { 0 };
    (outcome, handshake.receive_end(), taken)
}
