//! Functions that a program gives a client: they connect, add metadata, and hear of failed attempts.

use std::fmt;
use std::sync::Arc;

use tonic::Request;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};

use super::attempts::Tried;

type Connect = dyn Fn(Endpoint) -> Channel + Send + Sync;
type Prepare = dyn Fn(&mut MetadataMap) + Send + Sync;
type Tell = dyn Fn(&Tried) + Send + Sync;

/// The functions that were given.
#[derive(Clone, Default)]
pub(super) struct Hooks {
    pub(super) connect: Option<Arc<Connect>>,
    pub(super) prepare: Option<Arc<Prepare>>,
    pub(super) tell: Option<Arc<Tell>>,
}

impl Hooks {
    /// Makes the channel to a node.
    pub(super) fn connect(&self, endpoint: Endpoint) -> Channel {
        match &self.connect {
            Some(connect) => connect(endpoint),
            None => endpoint.connect_lazy(),
        }
    }

    /// Makes a request with the program's own metadata.
    pub(super) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(prepare) = &self.prepare {
            prepare(request.metadata_mut());
        }
        request
    }

    /// Tells the program that an attempt has failed.
    pub(super) fn tell(&self, tried: &Tried) {
        if let Some(tell) = &self.tell {
            tell(tried);
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connect, prepare, tell } = self;
        let are_there = (connect.is_some(), prepare.is_some(), tell.is_some());
        formatter.debug_tuple("Hooks").field(&are_there).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use crate::client::Client;
    use crate::types::Consistency;

    use super::*;

    #[test]
    fn a_request_carries_what_the_program_adds() {
        let prepare = |metadata: &mut MetadataMap| drop(metadata.insert("x-service", "billing".parse().unwrap()));
        let hooks = Hooks { prepare: Some(Arc::new(prepare)), ..Hooks::default() };
        assert_eq!(hooks.request(7).metadata().get("x-service").unwrap(), "billing");
        assert!(Hooks::default().request(7).metadata().is_empty());
    }

    #[tokio::test]
    async fn a_program_makes_the_channel_to_each_node_once() {
        let made = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&made);
        let connect = move |endpoint: Endpoint| {
            heard.lock().unwrap().push(endpoint.uri().to_string());
            endpoint.connect_lazy()
        };
        let builder = Client::builder().addresses(["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:1"]).channel(connect);
        let client = builder.timeout(std::time::Duration::from_millis(100)).build().unwrap();
        client.list_logs(None, Consistency::Local).await.unwrap_err();
        assert_eq!(*made.lock().unwrap(), ["http://127.0.0.1:1/", "http://127.0.0.1:2/"]);
    }
}
