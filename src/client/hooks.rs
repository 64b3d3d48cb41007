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
