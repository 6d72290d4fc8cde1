//! What a fault in the component costs: the connections of its instance, and nothing else.
//!
//! The component is `tests/guests/faulty`, which has no protocol: it misbehaves on command and otherwise returns bytes as they came.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod common;

use std::{
    sync::mpsc,
    time::{Duration, Instant},
};

use common::{Client, PATIENCE, builder};
use sockeye_host::{ComponentSource, Engine, EngineOptions, Event, Server};

fn server(instance_connections: usize) -> Server {
    builder(engine(instance_connections))
        .start()
        .expect("it starts")
}

fn engine(instance_connections: usize) -> Engine {
    let mut options = EngineOptions::default();
    options.component = ComponentSource::File(common::component("FAULTY_"));
    options.instance_connections = instance_connections;
    options.instance_memory = Some(64 << 20);
    options.deadline = Duration::from_millis(200);
    options.connections = 64;
    Engine::component(&options)
        .expect("`cargo xtask build --guest tests/guests/faulty` makes the component")
}

fn alive(client: &mut Client) {
    client.send("hello");
    assert_eq!(client.read_exact(5), b"hello");
}

fn fault_costs_its_instance_only(command: &str) {
    let server = server(2);
    let mut clients: Vec<_> = (0..4).map(|_| Client::connect(&server)).collect();
    for client in &mut clients {
        alive(client);
    }
    let start = Instant::now();
    clients[0].send(command);
    assert!(clients[0].is_closed());
    assert!(clients[1].is_closed(), "it shares the instance");
    assert!(start.elapsed() < Duration::from_secs(5));
    alive(&mut clients[2]);
    alive(&mut clients[3]);
    // A fresh instance takes the place.
    let mut more: Vec<_> = (0..3).map(|_| Client::connect(&server)).collect();
    for client in &mut more {
        alive(client);
    }
}

#[test]
fn trap_costs_its_instance_only() {
    fault_costs_its_instance_only("trap");
}

#[test]
fn application_is_told_of_each_connection_that_a_fault_ends() {
    let (sender, ends) = mpsc::channel();
    let server = builder(engine(2))
        .on_event(move |event, peer| {
            if let Event::Closed(closed) = event {
                let _ = sender.send((peer.id(), closed.code));
            }
        })
        .start()
        .expect("it starts");
    let mut clients: Vec<_> = (0..2).map(|_| Client::connect(&server)).collect();
    for client in &mut clients {
        alive(client);
    }
    clients[0].send("trap");
    let end = || ends.recv_timeout(PATIENCE).expect("an end is reported");
    let ((first, code), (second, other)) = (end(), end());
    assert_ne!(first, second);
    assert_eq!((code, other), (1006, 1006));
    drop(server);
    assert!(ends.recv().is_err(), "an end is reported twice");
}

#[test]
fn endless_loop_costs_its_instance_only() {
    fault_costs_its_instance_only("loop");
}

#[test]
fn memory_without_end_costs_its_instance_only() {
    fault_costs_its_instance_only("grow");
}

#[test]
fn instance_per_connection_isolates_every_connection() {
    let server = server(1);
    let mut clients: Vec<_> = (0..4).map(|_| Client::connect(&server)).collect();
    for client in &mut clients {
        alive(client);
    }
    for (index, command) in ["trap", "loop", "grow"].into_iter().enumerate() {
        clients[index].send(command);
        assert!(clients[index].is_closed());
        alive(&mut clients[3]);
    }
}

#[test]
fn faults_again_and_again_do_not_wear_the_server_out() {
    let server = server(4);
    let mut bystander = Client::connect(&server);
    alive(&mut bystander);
    let mut others: Vec<_> = (0..3).map(|_| Client::connect(&server)).collect();
    for client in &mut others {
        alive(client);
    }
    // More often than there is room for instances in the pool.
    for _ in 0..200 {
        let mut client = Client::connect(&server);
        alive(&mut client);
        client.send("trap");
        assert!(client.is_closed());
        alive(&mut bystander);
    }
}

#[test]
fn end_of_the_protocol_ends_the_stream() {
    let server = server(4);
    let mut client = Client::connect(&server);
    alive(&mut client);
    client.send("end");
    assert_eq!(client.read_to_end().expect("no reset"), b"");
}
