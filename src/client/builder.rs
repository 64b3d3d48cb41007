//! How a client comes to be. Nothing connects yet: that happens at the first attempt.

use std::sync::Arc;
use std::time::Duration;

use crate::types::SpaceName;
use crate::types::limits::{ATTEMPT_TIMEOUT_MAX, ATTEMPT_TIMEOUT_MIN};

use super::Client;
use super::error::{Cause, Error};
use super::nodes::{Node, Nodes};

const TIMEOUT: Duration = Duration::from_secs(10);

/// What a client is made of.
#[derive(Debug, Clone)]
pub struct Builder {
    addresses: Vec<String>,
    space: SpaceName,
    timeout: Duration,
}

impl Default for Builder {
    fn default() -> Self {
        Self { addresses: Vec::new(), space: SpaceName::main(), timeout: TIMEOUT }
    }
}

impl Builder {
    /// Where nodes listen for clients, as `host:port`. One is enough; with more, the others are asked when one fails.
    #[must_use]
    pub fn addresses(mut self, addresses: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.addresses.extend(addresses.into_iter().map(Into::into));
        self
    }

    /// The space; `main` if none is named.
    #[must_use]
    pub fn space(self, space: SpaceName) -> Self {
        Self { space, ..self }
    }

    /// How long an operation may take, all attempts together; ten seconds if nothing is said.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Checks the addresses and makes the client.
    pub fn build(self) -> Result<Client, Error> {
        let mut nodes: Vec<Node> = Vec::new();
        for address in &self.addresses {
            let node = Node::new(address)?;
            if nodes.iter().all(|known| known.address != node.address) {
                nodes.push(node);
            }
        }
        if nodes.is_empty() {
            return Err(Error::before_any_attempt("reach a node", Cause::NoAddress));
        }
        Ok(Client {
            nodes: Arc::new(Nodes::new(nodes)),
            space: self.space,
            timeout: self.timeout,
            attempt_timeout: attempt_timeout(self.timeout),
        })
    }
}

/// Time for three attempts, if the total allows attempts that are worth making.
fn attempt_timeout(total: Duration) -> Duration {
    (total / 3).clamp(ATTEMPT_TIMEOUT_MIN, ATTEMPT_TIMEOUT_MAX).min(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_attempt_never_takes_all_of_a_reasonable_time() {
        let millis = |total| attempt_timeout(Duration::from_millis(total)).as_millis();
        assert_eq!([200, 500, 1_000, 3_000, 60_000].map(millis), [200, 500, 500, 1_000, 5_000]);
    }

    #[tokio::test]
    async fn an_address_that_is_none_is_named() {
        for wrong in ["", "localhost", "a b:1", "127.0.0.1:99999", "https://node:7420"] {
            let error = Client::builder().addresses([wrong]).build().unwrap_err();
            assert!(matches!(&error.cause, Cause::BadAddress(address) if address == wrong), "{wrong}: {error}");
        }
        assert!(matches!(Client::builder().build().unwrap_err().cause, Cause::NoAddress));
    }

    #[tokio::test]
    async fn an_address_given_twice_is_one_node() {
        let client = Client::builder().addresses(["a:1", "b:2", "http://a:1"]).build().unwrap();
        assert_eq!(client.addresses().collect::<Vec<_>>(), ["a:1", "b:2"]);
    }
}
