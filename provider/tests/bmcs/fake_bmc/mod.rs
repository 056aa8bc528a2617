//! A BMC whose every reply is bytes that a test made up.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};

pub(crate) const SYSTEM: &str = "/redfish/v1/Systems/1";
pub(crate) const UUID: &str = "4c4c4544-0042-3510-8057-b7c04f4b4d32";

/// A reply: its status and its body.
pub(crate) type Reply = (u16, Vec<u8>);
/// What a BMC has, by path.
pub(crate) type Documents = BTreeMap<String, Reply>;

/// A BMC on loopback. It ends with the value.
pub(crate) struct FakeBmc {
    documents: Arc<Mutex<Documents>>,
    ended: Arc<AtomicBool>,
    pub(crate) port: u16,
}

impl FakeBmc {
    pub(crate) fn start(documents: Documents) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (documents, ended) = (Arc::new(Mutex::new(documents)), Arc::default());
        let bmc = Self {
            documents: Arc::clone(&documents),
            ended: Arc::clone(&ended),
            port,
        };
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                // A client that went away is no matter of the BMC's.
                drop(serve(stream, &documents));
            }
        });
        bmc
    }

    /// Changes what it has.
    pub(crate) fn set(&self, documents: Documents) {
        *self.documents.lock().unwrap() = documents;
    }
}

impl Drop for FakeBmc {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

/// Answers one request and closes: a connection for each keeps broken replies apart.
fn serve(mut stream: TcpStream, documents: &Mutex<Documents>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line)?;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let (status, body) = answer(&mut documents.lock().unwrap(), method, path, &body);
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nX-Auth-Token: t\r\nLocation: /s/1\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    )?;
    stream.write_all(&body)?;
    stream.shutdown(Shutdown::Write)
}

fn answer(documents: &mut Documents, method: &str, path: &str, body: &[u8]) -> Reply {
    let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
    match method {
        "GET" => {
            let found = documents
                .get(path)
                .or_else(|| documents.get(path.trim_end_matches('/')));
            found.cloned().unwrap_or((404, Vec::new()))
        }
        "PATCH" => match documents.get_mut(path) {
            Some((200, bytes)) if read(bytes).is_object() => {
                let mut document = read(bytes);
                for (name, value) in read(body).as_object().into_iter().flatten() {
                    document[name] = value.clone();
                }
                *bytes = document.to_string().into_bytes();
                (204, Vec::new())
            }
            _ => (404, Vec::new()),
        },
        "POST" if path.ends_with("/Sessions") => (201, b"{}".to_vec()),
        "DELETE" => (204, Vec::new()),
        _ => (405, Vec::new()),
    }
}

/// What a good BMC has.
pub(crate) fn documents() -> BTreeMap<String, Value> {
    let link = |path: &str| json!({"@odata.id": path});
    let nics = format!("{SYSTEM}/EthernetInterfaces");
    let system = json!({
        "@odata.id": SYSTEM, "@odata.type": "#ComputerSystem.v1_20_0.ComputerSystem", "Id": "1",
        "Manufacturer": "Contoso", "Model": "C1", "SerialNumber": "SN1", "SKU": "S", "UUID": UUID,
        "AssetTag": "old", "BiosVersion": "1.2", "PowerState": "On", "IndicatorLED": "Off",
        "LocationIndicatorActive": false, "Status": {"Health": "OK"},
        "MemorySummary": {"TotalSystemMemoryGiB": 512.5},
        "ProcessorSummary": {"Count": 2, "CoreCount": 64, "Model": "CPU"},
        "Boot": {"BootSourceOverrideTarget": "None", "BootOrder": ["Boot0001"]},
        "Actions": {"#ComputerSystem.Reset": {"target": format!("{SYSTEM}/Reset")}},
        "EthernetInterfaces": link(&nics),
        "Links": {"ManagedBy": [link("/redfish/v1/Managers/1")], "Chassis": []},
    });
    let nic = |n: u8| {
        json!({"Id": format!("NIC.{n}"), "SpeedMbps": 25000, "LinkStatus": "LinkUp",
        "MACAddress": format!("70:B5:E8:00:00:0{n}")})
    };
    let root = json!({"RedfishVersion": "1.15.0", "Vendor": "Contoso",
        "Systems": link("/redfish/v1/Systems"), "Managers": link("/redfish/v1/Managers"),
        "Links": {"Sessions": link("/redfish/v1/SessionService/Sessions")}});
    let manager = json!({"Id": "1", "ManagerType": "BMC", "FirmwareVersion": "2", "Model": "M",
        "UUID": "11111111-2222-3333-4444-555555555555"});
    let nic_links = [1, 2].map(|n| link(&format!("{nics}/{n}")));
    BTreeMap::from([
        ("/redfish/v1".to_owned(), root),
        (
            "/redfish/v1/Systems".to_owned(),
            json!({"Members": [link(SYSTEM)]}),
        ),
        (SYSTEM.to_owned(), system),
        (nics.clone(), json!({"Members": nic_links})),
        (format!("{nics}/1"), nic(1)),
        (format!("{nics}/2"), nic(2)),
        (
            "/redfish/v1/Managers".to_owned(),
            json!({"Members": [link("/redfish/v1/Managers/1")]}),
        ),
        ("/redfish/v1/Managers/1".to_owned(), manager),
    ])
}

/// These documents, each served well.
pub(crate) fn served(documents: &BTreeMap<String, Value>) -> Documents {
    let reply = |(path, document): (&String, &Value)| {
        (path.clone(), (200, document.to_string().into_bytes()))
    };
    documents.iter().map(reply).collect()
}
