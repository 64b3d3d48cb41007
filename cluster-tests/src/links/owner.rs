//! Whose a connection is: the kernel knows the socket, and which process holds it.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, SocketAddr};

/// The node whose process holds the socket that is connected from one address to another; none for one
/// that is no node, or has let go of it already.
pub(super) fn owner(from: SocketAddr, to: SocketAddr, processes: &BTreeMap<u64, u32>) -> Option<u64> {
    let link = format!("socket:[{}]", inode(from, to)?);
    let holds = |process: &u32| {
        let files = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
        files.into_iter().any(|file| fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == link.as_str()))
    };
    processes.iter().find(|(_, process)| holds(process)).map(|(node, _)| *node)
}

/// The socket's number. A line of the table: its number, the local address, the remote one, and further on the inode.
fn inode(from: SocketAddr, to: SocketAddr) -> Option<String> {
    let (local, remote) = (column(from)?, column(to)?);
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let mut rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    // Both: an address of one's own may have connections to several others.
    let row = rows.find(|row| row.get(1) == Some(&local.as_str()) && row.get(2) == Some(&remote.as_str()))?;
    row.get(9).map(|inode| (*inode).to_owned())
}

/// An address as the table has it.
fn column(address: SocketAddr) -> Option<String> {
    let IpAddr::V4(ip) = address.ip() else { return None };
    Some(format!("{:08X}:{:04X}", u32::from_le_bytes(ip.octets()), address.port()))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_connection_is_known_by_the_process_that_holds_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (from, to) = (stream.local_addr().unwrap(), stream.peer_addr().unwrap());
        // Number 1 starts all others, and holds none of this test's sockets.
        let processes = BTreeMap::from([(7, 1), (8, std::process::id())]);
        assert_eq!(owner(from, to, &processes), Some(8));
        assert_eq!(owner(from, to, &BTreeMap::from([(7, 1)])), None);
        drop(stream);
    }
}
