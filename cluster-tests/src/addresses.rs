//! Addresses that nobody else uses.
//!
//! Each cluster has a loopback subnet of its own, 127.a.b.0/24, each node an address in it, and all use the same fixed
//! ports, which lie below the ephemeral range. So a node that is restarted finds its port free: no other test and no
//! outgoing connection can have taken it meanwhile. Every subnet's text has the same length, so tables that show addresses
//! have the same widths in every run.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;

use rand::RngExt as _;

const CLIENT_PORT: u16 = 7420;
const PEER_PORT: u16 = 7421;
/// Behind a relay, which has the ports above.
const CLIENT_PORT_BEHIND: u16 = 7430;
const PEER_PORT_BEHIND: u16 = 7431;
/// Three digits each.
const OCTETS: RangeInclusive<u8> = 100..=250;
const RESERVATION_PORT: u16 = 7429;
const RESERVATION_HOST: u8 = 254;

/// The addresses of one cluster, reserved as long as this lives.
#[derive(Debug)]
pub struct Addresses {
    subnet: (u8, u8),
    _reservation: TcpListener,
}

impl Addresses {
    /// Reserves a subnet.
    pub fn reserve() -> Self {
        for _ in 0..1_000 {
            let subnet = (rand::rng().random_range(OCTETS), rand::rng().random_range(OCTETS));
            if let Ok(reservation) = TcpListener::bind(address(subnet, RESERVATION_HOST, RESERVATION_PORT)) {
                return Self { subnet, _reservation: reservation };
            }
        }
        panic!("no loopback address could be bound: does this machine have 127.0.0.0/8 on `lo`?")
    }

    /// Where clients reach a node.
    pub fn client(&self, node: u64) -> SocketAddr {
        address(self.subnet, host(node), CLIENT_PORT)
    }

    /// Where its peers reach a node.
    pub fn peer(&self, node: u64) -> SocketAddr {
        address(self.subnet, host(node), PEER_PORT)
    }

    /// Where a node listens for clients behind a relay.
    pub fn client_behind(&self, node: u64) -> SocketAddr {
        address(self.subnet, host(node), CLIENT_PORT_BEHIND)
    }

    /// Where a node listens for peers behind a relay.
    pub fn peer_behind(&self, node: u64) -> SocketAddr {
        address(self.subnet, host(node), PEER_PORT_BEHIND)
    }
}

fn address((a, b): (u8, u8), host: u8, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, a, b, host)), port)
}

fn host(node: u64) -> u8 {
    u8::try_from(node).ok().filter(|host| (1..RESERVATION_HOST).contains(host)).expect("a node id between 1 and 253")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clusters_share_no_address() {
        let (one, other) = (Addresses::reserve(), Addresses::reserve());
        assert_ne!(one.client(1), other.client(1));
        assert!(TcpListener::bind(one.client(1)).is_ok());
    }
}
