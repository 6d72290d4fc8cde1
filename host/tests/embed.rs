//! The example of the README runs.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod common;

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Stdio},
};

use common::{Client, close, frame};

#[test]
fn component_serves_in_a_host_of_plain_wasmtime() {
    let example = Path::new(env!("CARGO_BIN_EXE_sockeye"))
        .with_file_name("examples")
        .join("embed");
    let mut child = Command::new(example)
        .arg(common::component(""))
        .stdout(Stdio::piped())
        .spawn()
        .expect("`cargo test` builds the example");
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("it is text");
    let address = line
        .trim_end()
        .strip_prefix("listening on ws://")
        .expect("it says where");
    let mut client = Client::connect_to(address.parse().expect("an address"));
    client.handshake();
    for size in [0, 5, 65_536, 1 << 20] {
        client.echoes(&vec![b'x'; size]);
    }
    client.send(frame(0x88, &1000_u16.to_be_bytes()));
    assert_eq!(client.read_to_end().expect("no reset"), close(1000));
    assert!(child.wait().expect("it is our child").success());
    let mut events = String::new();
    stdout.read_to_string(&mut events).expect("it is text");
    assert!(events.starts_with("Event::Opened("), "{events}");
    assert!(events.contains("Event::Closed("), "{events}");
}
