//! What a client sees of each fault, and what the BMC behind it does.

use std::{net::SocketAddr, time::Instant};

use model::PowerState;
use serde_json::json;

use super::*;
use crate::{Network, RackConfig};

const RESET: &str = "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset";

async fn rack() -> Rack {
    let network = Network {
        dhcp_server: SocketAddr::from((Ipv4Addr::LOCALHOST, 9)),
        relay: Ipv4Addr::new(127, 80, 0, 1),
        tftp_port: 9,
    };
    Rack::start(RackConfig::new("proxied", 1, network))
        .await
        .unwrap()
}

/// Powers the machine on through the proxy, and says what came back: a status and a body.
async fn power_on(proxy: &FaultProxy) -> reqwest::Result<(u16, Option<u16>, Vec<u8>)> {
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .build()?;
    let request = client
        .post(format!("{}{RESET}", proxy.endpoint()))
        .basic_auth("admin", Some("rack-password"))
        .body(json!({"ResetType": "On"}).to_string());
    let reply = request.send().await?;
    let retry_after = reply.headers().get("Retry-After");
    let retry_after = retry_after.map(|value| value.to_str().unwrap().parse().unwrap());
    let status = reply.status().as_u16();
    Ok((status, retry_after, reply.bytes().await?.to_vec()))
}

#[tokio::test]
async fn a_fault_is_done_once_and_says_itself_whether_the_bmc_acts() {
    let soon = Duration::from_millis(300);
    let refusal = Fault::Refuse {
        status: 503,
        retry_after: Some(7),
    };
    let answered = |status, retry_after, body: &[u8]| Some((status, retry_after, body.to_vec()));
    let cases = [
        (Fault::LoseResponse, true, None),
        (Fault::Reset, false, None),
        (refusal, false, answered(503, Some(7), b"")),
        (Fault::StallRequest(soon), true, answered(204, None, b"")),
        (Fault::StallReply(soon), true, answered(204, None, b"")),
        (Fault::Truncate, true, None),
        (Fault::HalfJson, true, answered(200, None, b"")),
        (Fault::Garbage, true, answered(200, None, GARBAGE)),
        (Fault::Html, true, answered(200, None, PAGE)),
    ];
    for (fault, acts, expected) in cases {
        let rack = rack().await;
        let machine = &rack.machines()[0];
        let proxy = FaultProxy::start(&rack, machine).await.unwrap();
        proxy.spoil(1, fault);
        let began = Instant::now();
        let seen = power_on(&proxy).await.ok();
        assert_eq!(seen, expected, "{fault:?}");
        let stalls = matches!(fault, Fault::StallRequest(_) | Fault::StallReply(_));
        assert!(!stalls || began.elapsed() >= soon, "{fault:?}");
        let spoiled = proxy.spoiled().unwrap();
        assert_eq!(spoiled.request, format!("POST {RESET}"));
        if acts {
            let on = |seen: &crate::Snapshot| seen.power_state == PowerState::On;
            machine
                .wait_until(Duration::from_secs(10), on)
                .await
                .unwrap();
        }
        let resets = machine.bmc_counters().resets;
        assert_eq!(resets.values().sum::<u64>(), u64::from(acts), "{fault:?}");
        if !acts {
            assert_eq!(power_on(&proxy).await.unwrap().0, 204, "{fault:?}");
            assert_eq!(proxy.requests(), 2);
        }
        rack.stop().await;
    }
}
