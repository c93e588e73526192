//! Where a server is, and how a URL leads there through a relay.

use std::io;
use std::path::PathBuf;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use url::Url;

/// Where a server listens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Address {
    /// On this port of this host.
    Port(String, u16),
    /// On this socket.
    Socket(PathBuf),
}

/// A connection of either kind.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

impl Address {
    /// Of the server in the URL of a database, with whatever the URL leaves to the environment.
    ///
    /// `None` if nobody may stand in between: the URL wants the server's certificate to name the host that is called.
    ///
    /// # Errors
    /// The URL is none of a PostgreSQL database.
    pub fn of(url: &Url) -> Result<Option<Self>, sqlx::Error> {
        let options = PgConnectOptions::from_url(&without_ours(url))?;
        if matches!(options.get_ssl_mode(), PgSslMode::VerifyFull) {
            return Ok(None);
        }
        let port = options.get_port();
        let socket = options.get_socket().cloned();
        // The driver takes a folder for the place of the server's socket, and so it does a host that begins like one.
        let folder =
            socket.or_else(|| Some(PathBuf::from(options.get_host())).filter(|host| host.is_absolute()));
        Ok(Some(match folder {
            Some(folder) => Self::Socket(folder.join(format!(".s.PGSQL.{port}"))),
            None => Self::Port(options.get_host().to_owned(), port),
        }))
    }

    pub(super) async fn connect(&self) -> io::Result<Box<dyn Wire>> {
        Ok(match self {
            Self::Port(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Self::Socket(path) => Box::new(UnixStream::connect(path).await?),
        })
    }
}

/// The same URL with this loopback port for the place of the server.
pub(super) fn through(direct: &Url, port: u16) -> Url {
    let mut url = direct.clone();
    let is_place = |key: &str| matches!(key, "host" | "hostaddr" | "port");
    set_pairs(&mut url, direct, |key| !is_place(key));
    // A URL that has led to a database has an authority, and so may have another one.
    let changed = url.set_host(Some("127.0.0.1")).is_ok() && url.set_port(Some(port)).is_ok();
    debug_assert!(changed, "the URL of a database has a host");
    url
}

/// Without the parameter that only Tasker knows.
fn without_ours(url: &Url) -> Url {
    let mut plain = url.clone();
    set_pairs(&mut plain, url, |key| key != "pooled");
    plain
}

fn set_pairs(url: &mut Url, from: &Url, keep: impl Fn(&str) -> bool) {
    let pairs: Vec<_> = from.query_pairs().filter(|(key, _)| keep(key)).collect();
    url.set_query(None);
    if !pairs.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Option<Address> {
        Address::of(&Url::parse(url).unwrap()).unwrap()
    }

    #[test]
    fn addresses_are_those_that_the_driver_uses() {
        let port = |host: &str, port| Some(Address::Port(host.into(), port));
        let socket = |path: &str| Some(Address::Socket(path.into()));
        assert_eq!(
            address("postgres://ann:secret@db.example:5433/shop?pooled=true"),
            port("db.example", 5433)
        );
        assert_eq!(address("postgresql://db.example/shop?sslmode=require"), port("db.example", 5432));
        assert_eq!(
            address("postgres://ann@localhost:5432/shop?host=/tmp/pg"),
            socket("/tmp/pg/.s.PGSQL.5432")
        );
        assert_eq!(address("postgres://ann@%2Ftmp%2Fpg/shop"), socket("/tmp/pg/.s.PGSQL.5432"));
        assert_eq!(address("postgres://db.example/shop?sslmode=verify-full"), None);
    }

    #[test]
    fn a_url_leads_through_a_relay_and_keeps_everything_else() {
        for (direct, expected) in [
            (
                "postgres://ann:secret@db.example:5433/shop?pooled=true",
                "postgres://ann:secret@127.0.0.1:99/shop?pooled=true",
            ),
            ("postgres://ann@localhost/shop?host=%2Ftmp", "postgres://ann@127.0.0.1:99/shop"),
        ] {
            assert_eq!(through(&Url::parse(direct).unwrap(), 99).as_str(), expected);
        }
    }
}
