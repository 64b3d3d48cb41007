//! A node that plays a script, for tests: what a script leaves out, nobody may ask for.

use std::future::{Future, ready};

use futures::stream::{self, BoxStream, StreamExt as _};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, Streaming};

use crate::wire::v1::{self, log_service_server};

pub(super) type Answers<T> = BoxStream<'static, Result<T, Status>>;

fn not_in_the_script() -> Status {
    Status::unimplemented("not in the script")
}

/// How a node answers.
pub(super) trait Script: Clone + Send + Sync + 'static {
    fn append_stream(&self, _: Streaming<v1::AppendStreamRequest>) -> Answers<v1::AppendStreamResponse> {
        stream::once(ready(Err(not_in_the_script()))).boxed()
    }

    fn tail(&self, _: v1::TailRequest) -> Answers<v1::TailResponse> {
        stream::once(ready(Err(not_in_the_script()))).boxed()
    }

    fn submit(&self, _: v1::SubmitRequest) -> impl Future<Output = Result<v1::SubmitResponse, Status>> + Send {
        ready(Err(not_in_the_script()))
    }

    fn wait(&self, _: v1::WaitRequest) -> impl Future<Output = Result<v1::WaitResponse, Status>> + Send {
        ready(Err(not_in_the_script()))
    }

    fn get_lock(&self, _: v1::GetLockRequest) -> Result<v1::GetLockResponse, Status> {
        Err(not_in_the_script())
    }

    fn list_locks(&self, _: v1::ListLocksRequest) -> Result<v1::ListLocksResponse, Status> {
        Err(not_in_the_script())
    }

    fn get_position(&self, _: v1::GetPositionRequest) -> Result<v1::GetPositionResponse, Status> {
        Err(not_in_the_script())
    }
}

/// Has a node play a script; where it is.
pub(super) async fn play(script: impl Script) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let service = log_service_server::LogServiceServer::new(Node(script));
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    address
}

struct Node<S>(S);

macro_rules! left_out {
    ($($name:ident($request:ty) -> $response:ty,)*) => {
        $(
            fn $name<'a, 'b>(
                &'a self,
                _: Request<$request>,
            ) -> std::pin::Pin<Box<dyn Future<Output = Result<Response<$response>, Status>> + Send + 'b>>
            where
                'a: 'b,
                Self: 'b,
            {
                Box::pin(ready(Err(not_in_the_script())))
            }
        )*
    };
}

#[tonic::async_trait]
impl<S: Script> log_service_server::LogService for Node<S> {
    type AppendStreamStream = Answers<v1::AppendStreamResponse>;
    type TailStream = Answers<v1::TailResponse>;

    async fn append_stream(
        &self,
        request: Request<Streaming<v1::AppendStreamRequest>>,
    ) -> Result<Response<Self::AppendStreamStream>, Status> {
        Ok(Response::new(self.0.append_stream(request.into_inner())))
    }

    async fn tail(&self, request: Request<v1::TailRequest>) -> Result<Response<Self::TailStream>, Status> {
        Ok(Response::new(self.0.tail(request.into_inner())))
    }

    async fn submit(&self, request: Request<v1::SubmitRequest>) -> Result<Response<v1::SubmitResponse>, Status> {
        self.0.submit(request.into_inner()).await.map(Response::new)
    }

    async fn wait(&self, request: Request<v1::WaitRequest>) -> Result<Response<v1::WaitResponse>, Status> {
        self.0.wait(request.into_inner()).await.map(Response::new)
    }

    async fn get_lock(&self, request: Request<v1::GetLockRequest>) -> Result<Response<v1::GetLockResponse>, Status> {
        self.0.get_lock(request.into_inner()).map(Response::new)
    }

    async fn list_locks(
        &self,
        request: Request<v1::ListLocksRequest>,
    ) -> Result<Response<v1::ListLocksResponse>, Status> {
        self.0.list_locks(request.into_inner()).map(Response::new)
    }

    async fn get_position(
        &self,
        request: Request<v1::GetPositionRequest>,
    ) -> Result<Response<v1::GetPositionResponse>, Status> {
        self.0.get_position(request.into_inner()).map(Response::new)
    }

    left_out! {
        append(v1::AppendRequest) -> v1::AppendResponse,
        cancel(v1::CancelRequest) -> v1::CancelResponse,
        read(v1::ReadRequest) -> v1::ReadResponse,
        lookup(v1::LookupRequest) -> v1::LookupResponse,
        describe_log(v1::DescribeLogRequest) -> v1::DescribeLogResponse,
        list_logs(v1::ListLogsRequest) -> v1::ListLogsResponse,
        get_cell(v1::GetCellRequest) -> v1::GetCellResponse,
        list_cells(v1::ListCellsRequest) -> v1::ListCellsResponse,
        list_positions(v1::ListPositionsRequest) -> v1::ListPositionsResponse,
        describe_space(v1::DescribeSpaceRequest) -> v1::DescribeSpaceResponse,
        list_spaces(v1::ListSpacesRequest) -> v1::ListSpacesResponse,
    }
}
