//! The HTTP server: every route of every role, behind TLS.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use infra_http::{Unrouted, setup_gate, unrouted};

use super::DRAIN;
use super::parts::Parts;
use crate::options::Options;
use crate::tls::{Served, server_config};

/// A socket that is silent for so long after it was opened is closed.
const FIRST_REQUEST: Duration = Duration::from_secs(30);

/// A server that runs once it is polled.
pub fn server(options: &Options, parts: &Parts, listener: TcpListener, served: Arc<Served>) -> anyhow::Result<Server> {
    let parts = parts.clone();
    let commands = command_api::admin::ROUTES.iter().map(|route| route.path);
    let campaigns = command_api::campaigns::ROUTES.iter().map(|(_, path, _)| *path);
    let reads = query_api::ROUTES.iter().map(|route| route.path);
    let known = Data::new(Unrouted::new(commands.chain(campaigns).chain(reads)));
    let server = HttpServer::new(move || {
        App::new()
            .wrap(from_fn(query_api::present_only))
            .wrap(from_fn(setup_gate))
            .app_data(parts.commands.clone())
            .app_data(parts.reads.clone())
            .app_data(parts.access.clone())
            .app_data(known.clone())
            .configure(command_api::routes)
            .configure(query_api::routes)
            .default_service(web::to(unrouted))
    })
    .keep_alive(options.keep_alive())
    .client_request_timeout(FIRST_REQUEST)
    // A client that goes away ends what it waits for: a live query would go on asking hosts for nobody.
    .h1_allow_half_closed(false)
    .max_connections(options.max_connections)
    .max_connection_rate(options.max_handshakes)
    .shutdown_timeout(DRAIN.as_secs())
    .disable_signals();
    let server = match options.workers {
        0 => server,
        workers => server.workers(workers),
    };
    Ok(match options.plain_http {
        true => server.listen(listener)?.run(),
        false => server.listen_rustls_0_23(listener, server_config(served))?.run(),
    })
}
