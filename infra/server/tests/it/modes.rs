//! What the server writes is its owner's alone.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use infra_testkit::{Door, ServerProcess, folder};

use crate::house::fresh;

#[tokio::test]
async fn nobody_else_reads_the_files_even_in_a_folder_that_all_may_enter() {
    let (data, door) = (fresh("modes").join("data"), Door::shut());
    std::fs::create_dir_all(&data).unwrap();
    std::fs::set_permissions(&data, PermissionsExt::from_mode(0o755)).unwrap();
    let server = ServerProcess::start(Path::new(env!("CARGO_BIN_EXE_muster")), &data, &[], &door).await.unwrap();
    let files = folder::files(&data);
    for wanted in ["views.db", "vault.json", "ledger.db"] {
        assert!(files.iter().any(|file| file.ends_with(wanted)), "{wanted} is not in {files:?}");
    }
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has mode {:o}", file.display(), mode & 0o777);
    }
    server.stop().await.unwrap();
}
