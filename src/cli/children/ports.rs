//! Ports that nobody uses, for nodes on this machine.
//!
//! - They lie below those that the kernel gives to outgoing connections, so a node that is started again finds its own free:
//!   neither another program's connection nor a peer that dials it in vain has taken one meanwhile.
//! - The ports of a node are held from the moment they are chosen until it starts.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;

use rand::RngExt as _;

/// Above the ports that services are known by, below 32,768, where outgoing connections begin unless a machine is set up
/// otherwise.
const RANGE: Range<u16> = 10_000..32_000;
/// From one node's ports to the next one's where the first is given.
const STRIDE: usize = 10;

/// The two ports of one node, held until this is dropped.
#[derive(Debug)]
pub(super) struct Pair {
    clients: TcpListener,
    peers: TcpListener,
}

impl Pair {
    /// Holds a port and the next one.
    fn hold(port: u16) -> io::Result<Self> {
        let next = port.checked_add(1).ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { clients: TcpListener::bind(address(port))?, peers: TcpListener::bind(address(next))? })
    }

    /// Where clients will reach the node, and where its peers will.
    pub(super) fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.clients.local_addr()?, self.peers.local_addr()?))
    }
}

/// Holds free ports for this many nodes.
pub(super) fn free(nodes: usize) -> io::Result<Vec<Pair>> {
    let start = rand::rng().random_range(RANGE);
    let candidates = (start..RANGE.end).chain(RANGE.start..start).step_by(2);
    let pairs: Vec<Pair> = candidates.filter_map(|port| Pair::hold(port).ok()).take(nodes).collect();
    if pairs.len() < nodes {
        let problem = format!("only {} of {nodes} nodes find two free ports in {RANGE:?}", pairs.len());
        return Err(io::Error::new(io::ErrorKind::AddrInUse, problem));
    }
    Ok(pairs)
}

/// Holds ports for this many nodes: the given one and the next, then those ten further, and so on. The error names the
/// first that is taken.
pub(super) fn from(first: u16, nodes: usize) -> Result<Vec<Pair>, (SocketAddr, io::Error)> {
    let ports = (first..=u16::MAX).step_by(STRIDE).take(nodes);
    ports.map(|port| Pair::hold(port).map_err(|error| (address(port), error))).collect()
}

/// Whether somebody listens there.
pub(super) fn is_taken(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
}

fn address(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ports_are_held_until_they_are_let_go() {
        let pairs = free(9).unwrap();
        let addresses: BTreeSet<_> =
            pairs.iter().map(|pair| pair.addresses().unwrap()).flat_map(|(clients, peers)| [clients, peers]).collect();
        assert_eq!(addresses.len(), 18);
        assert!(addresses.iter().all(|address| address.port() <= RANGE.end && is_taken(*address)), "{addresses:?}");
        drop(pairs);
        assert!(!addresses.iter().any(|address| is_taken(*address)));
    }

    #[test]
    fn given_ports_are_ten_apart_and_a_taken_one_is_named() {
        // Somebody else may have one of them, so another beginning is tried until none has.
        let (first, pairs) = (0..100)
            .find_map(|_| {
                let first = rand::rng().random_range(RANGE);
                Some((first, from(first, 3).ok()?))
            })
            .unwrap();
        let clients: Vec<_> = pairs.iter().map(|pair| pair.addresses().unwrap().0.port() - first).collect();
        assert_eq!(clients, [0, 10, 20]);
        let (taken, error) = from(first, 1).unwrap_err();
        assert_eq!((taken, error.kind()), (address(first), io::ErrorKind::AddrInUse));
    }
}
