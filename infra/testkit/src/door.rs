//! Where a server is and which certificate it shows. The place may change when a server starts again.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long one request may take: as long as osqueryd waits, and some more for answers that wait themselves.
const PATIENCE: Duration = Duration::from_secs(100);

/// The way in. Clones share it.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    address: watch::Sender<Option<SocketAddr>>,
    ca: OnceLock<Vec<u8>>,
}

impl Door {
    /// A door that is shut until [`open`](Self::open).
    pub fn shut() -> Door {
        crate::choose_crypto();
        Door(Arc::new(Inner { address: watch::Sender::new(None), ca: OnceLock::new() }))
    }

    /// The door of a server that runs.
    pub fn to(address: SocketAddr, ca: &Path) -> anyhow::Result<Door> {
        let door = Door::shut();
        door.open(address, ca)?;
        Ok(door)
    }

    /// The server listens here now. The certificate is read the first time: it outlives starts.
    pub fn open(&self, address: SocketAddr, ca: &Path) -> anyhow::Result<()> {
        if self.0.ca.get().is_none() {
            let pem = std::fs::read(ca).with_context(|| format!("{} cannot be read", ca.display()))?;
            let _ = self.0.ca.set(pem);
        }
        self.0.address.send_replace(Some(address));
        Ok(())
    }

    /// The server is gone; whoever asks for its address waits.
    pub fn close(&self) {
        self.0.address.send_replace(None);
    }

    /// Where the server listens; waits until it does.
    pub async fn address(&self) -> SocketAddr {
        let mut address = self.0.address.subscribe();
        let open = address.wait_for(Option::is_some).await.expect("the sender lives as long as the door");
        open.expect("it was waited for")
    }

    /// Where the server listens, if it does.
    pub fn address_now(&self) -> Option<SocketAddr> {
        *self.0.address.borrow()
    }

    /// Waits until the server is gone.
    pub async fn closed(&self) {
        let mut address = self.0.address.subscribe();
        let _ = address.wait_for(Option::is_none).await;
    }

    /// An HTTP/1.1 client with connections of its own, which asks for nothing compressed, as osqueryd does.
    pub fn client(&self) -> reqwest::Client {
        let ca = reqwest::Certificate::from_pem(self.ca()).expect("the server's CA is PEM");
        let client =
            reqwest::Client::builder().tls_certs_only([ca]).http1_only().no_gzip().no_proxy().timeout(PATIENCE);
        client.redirect(reqwest::redirect::Policy::none()).build().expect("the settings fit together")
    }

    /// A TLS connection on which anything can be said.
    pub async fn connect(&self) -> anyhow::Result<TlsStream<TcpStream>> {
        self.connect_offering(&["http/1.1"]).await
    }

    /// The same for a client that knows these protocols only; with none, it says nothing of protocols.
    pub async fn connect_offering(&self, protocols: &[&str]) -> anyhow::Result<TlsStream<TcpStream>> {
        let address = self.address().await;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(self.ca()) {
            roots.add(certificate?)?;
        }
        let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::IpAddress(address.ip().into());
        Ok(TlsConnector::from(Arc::new(config)).connect(name, tcp).await?)
    }

    fn ca(&self) -> &[u8] {
        self.0.ca.get().expect("a door has a certificate once it was open")
    }
}
