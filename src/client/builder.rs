//! Builds clients. Nothing connects yet: that happens at the first attempt.

use std::sync::Arc;
use std::time::Duration;

use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};

use crate::types::SpaceName;
use crate::types::limits::{ATTEMPT_TIMEOUT_MAX, ATTEMPT_TIMEOUT_MIN};

use super::Client;
use super::attempts::Tried;
use super::error::{Cause, Error};
use super::hooks::Hooks;
use super::nodes::{Node, Nodes};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Settings of a client that is to be built.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// let client = oncelog::Client::builder()
///     .addresses(["10.0.0.1:7420", "10.0.0.2:7420", "10.0.0.3:7420"])
///     .space("payments".parse()?)
///     .timeout(Duration::from_secs(30))
///     .metadata(|metadata| drop(metadata.insert("x-service", "billing".parse().expect("it is ASCII"))))
///     .on_failed_attempt(|tried| eprintln!("{}: {}", tried.address, tried.last))
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a client is made by `build`"]
pub struct Builder {
    addresses: Vec<String>,
    space: SpaceName,
    timeout: Duration,
    hooks: Hooks,
}

impl Default for Builder {
    fn default() -> Self {
        Self { addresses: Vec::new(), space: SpaceName::main(), timeout: TIMEOUT, hooks: Hooks::default() }
    }
}

impl Builder {
    /// The client addresses of nodes, as `host:port`. One is enough; with more, the client asks another one when one fails.
    pub fn addresses(mut self, addresses: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.addresses.extend(addresses.into_iter().map(Into::into));
        self
    }

    /// The space; `main` by default.
    pub fn space(self, space: SpaceName) -> Self {
        Self { space, ..self }
    }

    /// How long an operation may take, all attempts together; ten seconds by default.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Makes the channel to a node. The endpoint has the node's address and this client's settings; the channel should connect
    /// lazily. Use it for certificates, a proxy, limits, or a connection inside a process. It is called once for each node: a
    /// channel reconnects by itself.
    pub fn channel(mut self, connect: impl Fn(Endpoint) -> Channel + Send + Sync + 'static) -> Self {
        self.hooks.connect = Some(Arc::new(connect));
        self
    }

    /// Adds metadata to each request, such as a token for a proxy.
    pub fn metadata(mut self, prepare: impl Fn(&mut MetadataMap) + Send + Sync + 'static) -> Self {
        self.hooks.prepare = Some(Arc::new(prepare));
        self
    }

    /// Is called after each attempt that fails. The operation may still succeed with another attempt. It must not block.
    pub fn on_failed_attempt(mut self, tell: impl Fn(&Tried) + Send + Sync + 'static) -> Self {
        self.hooks.tell = Some(Arc::new(tell));
        self
    }

    /// Checks the addresses and makes the client.
    pub fn build(self) -> Result<Client, Error> {
        let mut nodes: Vec<Node> = Vec::new();
        for address in &self.addresses {
            let (address, endpoint) = Node::endpoint(address)?;
            if nodes.iter().all(|known| known.address != address) {
                nodes.push(Node { address, channel: self.hooks.connect(endpoint) });
            }
        }
        if nodes.is_empty() {
            return Err(Error::before_any_attempt("reach a node", Cause::NoAddress));
        }
        Ok(Client {
            nodes: Arc::new(Nodes::new(nodes, self.hooks)),
            space: self.space,
            timeout: self.timeout,
            attempt_timeout: attempt_timeout(self.timeout),
        })
    }
}

/// Time for three attempts, if the total allows attempts that are worth making.
pub(super) fn attempt_timeout(total: Duration) -> Duration {
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
    async fn every_failed_attempt_is_told() {
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        let client = Client::builder()
            .addresses(["127.0.0.1:1"])
            .timeout(Duration::from_millis(200))
            .on_failed_attempt(move |tried| heard.lock().unwrap().push((tried.address.clone(), tried.attempts)))
            .build()
            .unwrap();
        let error = client.list_logs(None, crate::types::Consistency::Local).await.unwrap_err();
        let told = told.lock().unwrap().clone();
        let attempts = error.tried.first().unwrap().attempts;
        assert_eq!(told, (1..=attempts).map(|attempt| ("127.0.0.1:1".to_owned(), attempt)).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn an_address_given_twice_is_one_node() {
        let client = Client::builder().addresses(["a:1", "b:2", "http://a:1"]).build().unwrap();
        assert_eq!(client.addresses().collect::<Vec<_>>(), ["a:1", "b:2"]);
    }
}
