//! How a host gets its key, keeps it, and gets another.

use std::sync::Arc;
use std::time::Duration;

use agent::agent::{AgentError, Premises};
use agent::ports::{SystemDice, Time};
use agent::session::Secret;

use crate::host::{Host, config};
use crate::server::Server;

#[tokio::test]
async fn it_enrols_once_and_keeps_its_key() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let host = Host::start(&server, data.path()).await;
    server.until(&host.time, |world| world.reads > 0).await;
    host.stop().await;
    {
        let world = server.world();
        let request = &world.enrolments[0];
        assert_eq!(request.host_identifier, "4c4c4544");
        assert_eq!(request.detail("os_version", "name"), Some("Debian"));
        assert_eq!(request.detail("system_info", "hostname"), Some("web-01"));
        assert!(!request.host_details.contains_key("platform_info"));
        #[cfg(target_os = "linux")]
        assert_eq!(request.platform_type, "9");
    }
    let host = Host::start(&server, data.path()).await;
    let before = server.world().reads;
    server.until(&host.time, |world| world.reads > before).await;
    assert_eq!(server.world().enrolments.len(), 1);
    host.stop().await;
}

#[tokio::test]
async fn a_refused_secret_is_tried_again_from_its_file() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let file = data.path().join("secret");
    std::fs::write(&file, "wrong").unwrap();
    let config = agent::agent::Config { secret: Secret::File(file.clone()), ..config(&server, data.path()) };
    let host = Host::start_with(config, Arc::default(), Arc::default()).await;
    server.until(&host.time, |world| world.enrolments.len() >= 3).await;
    assert_eq!(server.world().reads, 0);
    std::fs::write(&file, format!("{}\n", crate::server::SECRET)).unwrap();
    server.until(&host.time, |world| world.reads > 0).await;
    host.stop().await;
}

#[tokio::test]
async fn a_key_that_is_no_longer_known_is_thrown_away() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let host = Host::start(&server, data.path()).await;
    server.until(&host.time, |world| world.reads > 0).await;
    server.world().keys.clear();
    server.world().instead.extend([("enroll", 503, r#"{"error":"not now"}"#); 2]);
    let before = server.world().reads;
    server.until(&host.time, |world| world.instead.is_empty()).await;
    assert!(!data.path().join("node.key").exists());
    server.until(&host.time, |world| world.reads > before).await;
    assert_eq!(server.world().enrolments.len(), 2);
    assert_eq!(std::fs::read_to_string(data.path().join("node.key")).unwrap(), "key-2");
    host.stop().await;
}

#[tokio::test]
async fn a_key_that_the_disk_does_not_take_is_used_and_written_later() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    // What stands where the key is written first: a folder that is not empty cannot be cleared away.
    let obstacle = data.path().join("node.key.new");
    std::fs::create_dir_all(obstacle.join("full")).unwrap();
    let host = Host::start(&server, data.path()).await;
    server.until(&host.time, |world| world.reads > 3).await;
    assert_eq!(server.world().enrolments.len(), 1);
    assert!(!data.path().join("node.key").exists());
    std::fs::remove_dir_all(&obstacle).unwrap();
    let before = server.world().reads;
    server.until(&host.time, |world| world.reads > before + 1).await;
    assert_eq!(std::fs::read_to_string(data.path().join("node.key")).unwrap(), "key-1");
    host.stop().await;
}

#[tokio::test]
async fn a_server_that_forgets_every_key_is_not_stormed() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    server.world().forgetful = true;
    let host = Host::start(&server, data.path()).await;
    server.until(&host.time, |world| world.enrolments.len() == 1).await;
    let before = host.time.now();
    server.until(&host.time, |world| world.enrolments.len() == 7).await;
    // The waits are the squares of the attempts in seconds, a tenth shorter at most: 1 + 4 + 9 + 16 + 25 + 36.
    let passed = host.time.now() - before;
    assert!(passed >= 81, "six more enrolments in {passed} seconds");
    host.stop().await;
}

#[tokio::test]
async fn a_server_of_another_authority_is_not_spoken_to() {
    let (server, other, data) = (Server::start().await, Server::start().await, tempfile::tempdir().unwrap());
    let config = agent::agent::Config { ca: Some(other.ca.clone()), ..config(&server, data.path()) };
    let host = Host::start_with(config, Arc::default(), Arc::default()).await;
    host.says(data.path(), |line| line.contains("cannot enrol") && line.contains("invalid peer certificate")).await;
    // Nothing can be sent without a key, so the stop does not wait to send it.
    tokio::time::timeout(Duration::from_secs(3), host.stop()).await.expect("a quick stop");
    assert!(server.world().enrolments.is_empty());
}

#[tokio::test]
async fn one_folder_serves_one_musterd() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let config = config(&server, data.path());
    let premises = Premises::take(&config, &SystemDice).unwrap();
    assert!(matches!(Premises::take(&config, &SystemDice), Err(AgentError::InUse(_))));
    drop(premises);
    Premises::take(&config, &SystemDice).unwrap();
}
