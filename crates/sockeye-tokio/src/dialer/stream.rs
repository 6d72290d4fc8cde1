//! The byte stream to a server, with all its layers.

use crate::{
    Connector, DialError, Dialer, Phase, Transport,
    dialer::{
        connect::{Deadline, connect_unix, peer},
        url::Target,
    },
};

impl Dialer {
    /// Connects to a server, with TLS where its URL asks for it.
    pub(crate) async fn connect_to(
        &self,
        target: &Target,
        deadline: Deadline,
    ) -> Result<Transport, DialError> {
        if let Some(path) = &target.unix {
            let stream = connect_unix(path, deadline).await?;
            return self.secure(stream, target, deadline).await;
        }
        #[cfg(feature = "proxy")]
        if let Some(stream) = self.connect_through_proxy(target, deadline).await? {
            return self.secure(stream, target, deadline).await;
        }
        let (host, port) = (target.host(), target.port());
        if let Some(connector) = self.tls_connector.as_deref().filter(|_| target.is_secure()) {
            return connect_with(connector, &host, port, deadline).await;
        }
        let stream = self.connect_plain(&host, port, deadline).await?;
        self.secure(stream, target, deadline).await
    }

    /// Connects to a server or proxy, without TLS.
    pub(crate) async fn connect_plain(
        &self,
        host: &str,
        port: u16,
        deadline: Deadline,
    ) -> Result<Transport, DialError> {
        match self.connector.as_deref() {
            Some(connector) => connect_with(connector, host, port, deadline).await,
            None => Ok(self.tcp.connect(host, port, deadline).await?.into()),
        }
    }

    /// Speaks TLS on a stream to a server, if its URL asks for it.
    pub(crate) async fn secure(
        &self,
        stream: Transport,
        target: &Target,
        deadline: Deadline,
    ) -> Result<Transport, DialError> {
        if target.is_secure() {
            self.speak_tls(stream, &target.host(), &target.peer(), deadline)
                .await
        } else {
            Ok(stream)
        }
    }

    /// Speaks TLS with this host.
    #[cfg(feature = "tls")]
    pub(crate) async fn speak_tls(
        &self,
        stream: Transport,
        host: &str,
        peer: &str,
        deadline: Deadline,
    ) -> Result<Transport, DialError> {
        let connect = async {
            let connecting = self.tls.connect(stream, host);
            connecting.await.map_err(|source| DialError::Tls {
                host: host.into(),
                source,
            })
        };
        deadline.within(Phase::Tls, peer, connect).await
    }

    /// Speaks TLS with this host.
    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_async, reason = "as with the feature `tls`")]
    pub(crate) async fn speak_tls(
        &self,
        _stream: Transport,
        _host: &str,
        _peer: &str,
        _deadline: Deadline,
    ) -> Result<Transport, DialError> {
        Err(DialError::FeatureMissing { feature: "tls" })
    }
}

pub(super) async fn connect_with(
    connector: &dyn Connector,
    host: &str,
    port: u16,
    deadline: Deadline,
) -> Result<Transport, DialError> {
    let connect = async {
        let connecting = connector.connect(host, port);
        connecting.await.map_err(|source| DialError::Connector {
            host: host.into(),
            port,
            source,
        })
    };
    deadline
        .within(Phase::Connect, &peer(host, port), connect)
        .await
}
