//! Buffers that connections of a thread take in turns: an idle connection holds none.

use std::{cell::RefCell, mem};

/// Most buffers of each kind that a thread keeps for later.
const KEPT: usize = 8;

/// Largest buffer that is kept for later, in bytes.
const LARGEST: usize = 256 << 10;

thread_local! {
    static INPUT: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
    static OUTPUT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of `size` bytes to read into.
#[inline]
pub(super) fn take_input(size: usize) -> Box<[u8]> {
    let pooled = INPUT.try_with(|pool| pool.borrow_mut().pop());
    match pooled {
        Ok(Some(buffer)) if buffer.len() == size => buffer,
        _ => vec![0; size].into_boxed_slice(),
    }
}

/// Gives it back.
#[inline]
pub(super) fn give_input(buffer: Box<[u8]>) {
    if buffer.len() <= LARGEST {
        // A thread that ends has no pool any more.
        let _ = INPUT.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.len() < KEPT {
                pool.push(buffer);
            }
        });
    }
}

/// Gives `output` room from the pool if it has none.
#[inline]
pub(super) fn take_output(output: &mut Vec<u8>) {
    if output.capacity() == 0
        && let Ok(Some(buffer)) = OUTPUT.try_with(|pool| pool.borrow_mut().pop())
    {
        *output = buffer;
    }
}

/// Gives back the room of `output`, which is empty then.
#[inline]
pub(super) fn give_output(output: &mut Vec<u8>) {
    let mut buffer = mem::take(output);
    if buffer.capacity() > 0 && buffer.capacity() <= LARGEST {
        buffer.clear();
        let _ = OUTPUT.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.len() < KEPT {
                pool.push(buffer);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use sockeye::{Agreement, Role};
    use tokio::{io::duplex, time::timeout};

    use super::super::{Conn, Parts};
    use crate::{Config, Transport};

    #[tokio::test(start_paused = true)]
    async fn idle_connection_holds_no_buffer() {
        let (a, b) = duplex(1 << 20);
        let [mut client, mut server] =
            [(a, Role::Client), (b, Role::Server)].map(|(stream, role)| {
                Conn::from_parts(Parts {
                    transport: Transport::new(stream),
                    role,
                    agreement: Agreement::default(),
                    unread: Vec::new(),
                    config: Config::new(role),
                })
            });
        for round in 0..3 {
            for len in [1, 20_000, 200_000] {
                client.ping("p").await.unwrap();
                client.send(vec![0; len]).await.unwrap();
                assert!(server.next().await.unwrap().is_some());
            }
            for conn in [&mut client, &mut server] {
                let received = timeout(Duration::from_secs(1), conn.next()).await;
                assert!(received.is_err(), "nothing comes");
            }
            let room = [&client, &server].map(|conn| conn.sender.shared.lock().room());
            assert_eq!(room, [0, 0], "round {round}");
        }
    }
}
