//! The binary itself: its own tables, its workers, its signals.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use agent::agent::Premises;
use agent::ports::SystemDice;
use agent::queries::Queries;
use agent::tables::Tables;
use agent_protocol::reply::Work;
use agent_tables::worker;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::host::config;
use crate::server::{NAME, SECRET, Server};

const MUSTERD: &str = env!("CARGO_BIN_EXE_musterd");

fn start(server: &Server, data: &std::path::Path) -> Child {
    command(server, data, &server.address.to_string()).spawn().unwrap()
}

fn command(server: &Server, data: &std::path::Path, address: &str) -> Command {
    let mut command = Command::new(MUSTERD);
    command.args(["--server", address, "--distributed-interval", "1", "--logger-period", "1"]);
    command.arg("--ca").arg(&server.ca).arg("--data").arg(data);
    command.env("MUSTERD_ENROLL_SECRET", SECRET).stderr(Stdio::null());
    command
}

/// A proxy that connects whoever asks, for whatever name, to `to`.
fn proxy(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await?);
                }
                assert!(head.starts_with(format!("CONNECT {NAME}:").as_bytes()));
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                let mut server = tokio::net::TcpStream::connect(to).await?;
                tokio::io::copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    address
}

async fn terminate(mut child: Child) -> ExitStatus {
    let killed = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(killed.success());
    tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap()
}

#[tokio::test]
async fn it_answers_about_this_machine_and_stops_on_a_signal() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let folder = data.path().join("made/by/musterd");
    server.world().config = r#"{"schedule":{"q":{"query":"SELECT pid FROM osquery_info","interval":1}}}"#.to_owned();
    let child = start(&server, &folder);
    let queries =
        [("a", "SELECT version, instance_id, config_valid FROM osquery_info"), ("b", "SELECT * FROM no_such_table")];
    let queries = queries.map(|(name, sql)| (name.to_owned(), sql.to_owned())).into();
    server.until_standing(|world| world.documents_sent == 1).await;
    server.world().work.push_back(Work { queries, ..Work::default() });
    server.until_standing(|world| world.writes.len() == 1 && !world.results.is_empty()).await;
    let pid = child.id().to_string();
    assert!(terminate(child).await.success());
    let world = server.world();
    assert_eq!(world.results[0]["columns"]["pid"], pid.as_str());
    let [a, b] = &world.writes[0].queries[..] else { panic!("{:?}", world.writes) };
    assert_eq!(a.rows[0].get("version"), Some(agent::OSQUERY_VERSION));
    assert!(a.rows[0].get("instance_id").is_some_and(|id| id.len() == 36));
    assert!(a.stats.as_ref().is_some_and(|stats| stats.wall_time_ms.is_some()));
    assert_eq!((b.status, b.message.as_str()), (Some(1), "no such table: no_such_table"));
    assert!(world.enrolments[0].detail("osquery_info", "version").is_some());
    assert_eq!(world.statuses.last().unwrap()["message"], "musterd stops");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |file: &str| std::fs::metadata(folder.join(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode("."), mode("musterd.db"), mode("node.key")], [0o700, 0o600, 0o600]);
    }
}

#[tokio::test]
async fn posts_and_the_push_channel_go_over_the_proxy() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let mut command = command(&server, data.path(), &format!("{NAME}:{}", server.address.port()));
    for name in ["NO_PROXY", "no_proxy", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
    command.env("HTTPS_PROXY", format!("http://{}", proxy(server.address)));
    let child = command.spawn().unwrap();
    server.until_standing(|world| world.reads > 0 && world.channels.len() == 1).await;
    assert!(terminate(child).await.success());
}

#[tokio::test]
async fn a_query_over_its_limits_ends_and_the_next_one_runs() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let premises = Premises::take(&config(&server, data.path()), &SystemDice).unwrap();
    let limits = worker::Config {
        program: Some(MUSTERD.into()),
        time_limit: Duration::from_secs(1),
        ..worker::Config::default()
    };
    let tables: Arc<dyn Queries> = Arc::new(Tables::new(limits, &premises, 1_795_305_600));
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let why = tables.query(endless).await.unwrap_err();
    assert!(why.over_limit, "{why}");
    let answer = tables.query("SELECT start_time, config_valid FROM osquery_info").await.unwrap();
    assert_eq!(answer.rows[0].get("start_time"), Some("1795305600"));
    let flags = tables.query("SELECT value FROM osquery_flags WHERE name = 'pack_delimiter'").await.unwrap();
    assert_eq!(flags.rows[0].get("value"), Some("_"));
}

#[test]
fn what_is_wrong_is_said_in_a_sentence() {
    let said = |arguments: &[&str]| {
        let output = Command::new(MUSTERD).args(arguments).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(
        said(&["--server", "h:1", "--enroll-secret-file", "/nowhere"]),
        "musterd: /nowhere cannot be read: No such file or directory (os error 2)\n"
    );
    let data = said(&["--server", "h:1", "--enroll-secret", "x", "--data", "/proc/nowhere"]);
    assert!(data.starts_with("musterd: the data folder /proc/nowhere: "), "{data}");
    assert!(
        said(&["--enroll-secret", "x", "--server", "http://x"]).contains("secrets and results go over https alone")
    );
}
