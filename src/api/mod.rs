//! The gRPC services: translate a request, ask the engine, translate the answer. Nothing is decided here.

mod admin_service;
mod append_stream;
mod deadline;
mod error;
mod follow;
mod log_service;
mod look;
mod read;
mod submit;
mod wrong_port;

use crate::engine::Engine;
use crate::types::limits::CLIENT_MESSAGE_BYTES_MAX;
use crate::wire::v1::admin_service_server::AdminServiceServer;
use crate::wire::v1::log_service_server::LogServiceServer;

pub use crate::wire::DESCRIPTORS;
pub use wrong_port::with_fallback;

use admin_service::Admin;
use log_service::Logs;

/// Logs, and the ids that write them.
pub fn log_service(engine: Engine) -> LogServiceServer<impl crate::wire::v1::log_service_server::LogService> {
    LogServiceServer::new(Logs::new(engine))
        .max_decoding_message_size(CLIENT_MESSAGE_BYTES_MAX)
        .max_encoding_message_size(CLIENT_MESSAGE_BYTES_MAX)
}

/// For operators.
pub fn admin_service(engine: Engine) -> AdminServiceServer<impl crate::wire::v1::admin_service_server::AdminService> {
    AdminServiceServer::new(Admin::new(engine))
        .max_decoding_message_size(CLIENT_MESSAGE_BYTES_MAX)
        .max_encoding_message_size(CLIENT_MESSAGE_BYTES_MAX)
}
