//! A question that only peers may ask: what a node's wall clock shows. The harness asks it in another node's name.

use std::time::Duration;

use prost::Message as _;
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};

use self::generated::peer_service_client::PeerServiceClient;
use self::generated::{Envelope, ExchangeRequest, IdentifyRequest, IdentifyResponse};
use crate::cluster::Cluster;
use crate::node::Node;

/// The protocol of peers.
#[expect(
    unreachable_pub,
    unused_qualifications,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
mod generated {
    tonic::include_proto!("oncelog.peer.v1");
}

/// What names both ends of a call.
const ENVELOPE: &str = "oncelog-peer-bin";
const DEADLINE: Duration = Duration::from_millis(500);

/// What a node tells another of its wall clock, in milliseconds since 1970. Both must run.
pub async fn wall_ms(cluster: &Cluster, id: u64) -> Result<u64, String> {
    let mut asked = connect(cluster.node(id)).await?;
    let addressee = identify(&mut asked).await?;
    let mut why = "there is no other node".to_owned();
    for other in cluster.others(id) {
        let sender = match connect(cluster.node(other)).await {
            Ok(mut other) => identify(&mut other).await,
            Err(error) => Err(error),
        };
        match sender {
            Ok(sender) => return exchange(asked, &sender, &addressee).await,
            Err(error) => why = error,
        }
    }
    Err(why)
}

async fn connect(node: &Node) -> Result<PeerServiceClient<Channel>, String> {
    let endpoint = Endpoint::from_shared(format!("http://{}", node.plan().asked_as_peer_at));
    let endpoint = endpoint.map_err(|error| error.to_string())?.connect_timeout(DEADLINE).timeout(DEADLINE);
    let channel = endpoint.connect().await.map_err(|error| format!("node {} can't be asked: {error}", node.id()))?;
    Ok(PeerServiceClient::new(channel))
}

async fn identify(asked: &mut PeerServiceClient<Channel>) -> Result<IdentifyResponse, String> {
    let answer = asked.identify(IdentifyRequest {}).await;
    answer.map(tonic::Response::into_inner).map_err(|status| status.to_string())
}

async fn exchange(
    mut asked: PeerServiceClient<Channel>,
    sender: &IdentifyResponse,
    addressee: &IdentifyResponse,
) -> Result<u64, String> {
    let envelope = Envelope {
        cluster_id: addressee.cluster_id.clone(),
        sender: sender.node_id,
        sender_incarnation: sender.incarnation.clone(),
        addressee: addressee.node_id,
        addressee_incarnation: addressee.incarnation.clone(),
    };
    let mut request = Request::new(ExchangeRequest {});
    request.metadata_mut().insert_bin(ENVELOPE, MetadataValue::from_bytes(&envelope.encode_to_vec()));
    let answer = asked.exchange(request).await.map_err(|status| status.to_string())?;
    Ok(answer.into_inner().wall_ms)
}
