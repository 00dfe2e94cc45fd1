//! Every role at every route: what the table says is what happens.

use actix_web::http::Method;
use command_api::admin::ROUTES;
use domain::TeamId;
use domain::role::{Action, Role, Roles, Scope};
use serde_json::{Value, json};

use crate::admin_bench::Bench;

const ROLES: [Role; 5] = [Role::Admin, Role::Maintainer, Role::ObserverPlus, Role::Observer, Role::Gitops];

/// What a route is tried with, and where that touches.
fn sample(method: &Method, path: &str) -> (String, Value, Scope) {
    let team = Scope::Team(TeamId(1));
    let (fitting, body, scope) = match (method.as_str(), path) {
        ("POST", "~/users/admin") => (
            "~/users/admin",
            json!({"name": "n", "email": "n@example.com", "password": "long enough 1!", "teams": [{"id": 1, "role": "observer"}]}),
            team,
        ),
        ("DELETE", "~/users/{id}") => ("~/users/2", Value::Null, team),
        ("POST", "/api/muster/v1/users/{id}/erase") => ("/api/muster/v1/users/2/erase", Value::Null, Scope::Global),
        ("POST", "~/users/{id}/require_password_reset") => {
            ("~/users/2/require_password_reset", json!({"require": false}), team)
        }
        ("POST", "~/users/roles/spec") => ("~/users/roles/spec", json!({"spec": {"roles": {}}}), Scope::Any),
        ("POST", "~/teams") => ("~/teams", json!({"name": "new"}), Scope::Global),
        ("PATCH", "~/teams/{id}") => ("~/teams/1", json!({"description": "x"}), team),
        ("DELETE", "~/teams/{id}") => ("~/teams/2", Value::Null, Scope::Team(TeamId(2))),
        ("POST", "~/teams/{id}/agent_options") => ("~/teams/1/agent_options", json!({}), team),
        ("PATCH" | "DELETE", "~/teams/{id}/users") => ("~/teams/1/users", json!({"users": []}), team),
        ("PATCH", "~/teams/{id}/secrets") => ("~/teams/1/secrets", json!({"secrets": []}), team),
        ("POST", "~/spec/teams") => ("~/spec/teams", json!({"specs": [{"name": "ops"}]}), team),
        ("POST", "~/spec/enroll_secret") => ("~/spec/enroll_secret", json!({"spec": {"secrets": []}}), Scope::Global),
        ("PATCH", "~/config") => ("~/config", json!({}), Scope::Global),
        ("DELETE", "~/hosts/{id}") => ("~/hosts/1", Value::Null, team),
        ("POST", "~/hosts/delete") => ("~/hosts/delete", json!({"ids": [1]}), team),
        ("POST", "~/hosts/transfer") => ("~/hosts/transfer", json!({"team_id": 1, "hosts": [1]}), team),
        ("POST", "~/hosts/transfer/filter") => {
            ("~/hosts/transfer/filter", json!({"team_id": 1, "filters": {"team_id": 1}}), team)
        }
        ("POST", "~/hosts/{id}/refetch") => ("~/hosts/1/refetch", Value::Null, team),
        ("POST" | "DELETE", "~/hosts/{id}/labels") => ("~/hosts/1/labels", json!({"labels": []}), team),
        ("POST", "~/labels") => ("~/labels", json!({"name": "new"}), Scope::Global),
        ("PATCH", "~/labels/{id}") => ("~/labels/14", json!({"description": "x"}), Scope::Global),
        ("DELETE", "~/labels/id/{id}") => ("~/labels/id/14", Value::Null, Scope::Global),
        ("DELETE", "~/labels/{name}") => ("~/labels/mine", Value::Null, Scope::Global),
        ("POST", "~/spec/labels") => ("~/spec/labels", json!({"specs": []}), Scope::Global),
        ("POST", "~/queries") => ("~/queries", json!({"name": "new", "query": "SELECT 1", "team_id": 1}), team),
        ("PATCH", "~/queries/{id}") => ("~/queries/1", json!({"description": "x"}), team),
        ("DELETE", "~/queries/id/{id}") => ("~/queries/id/1", Value::Null, team),
        ("DELETE", "~/queries/{name}") => ("~/queries/global", Value::Null, Scope::Global),
        ("POST", "~/queries/delete") => ("~/queries/delete", json!({"ids": [1]}), team),
        ("POST", "~/spec/queries") => {
            ("~/spec/queries", json!({"specs": [{"name": "q", "query": "SELECT 1", "team": "ops"}]}), team)
        }
        (method, path) => panic!("{method} {path} has no sample: give it one"),
    };
    (fitting.to_owned(), body, scope)
}

/// Two teams, a host and a query of the first, a label, and a person in the first team (user 2).
async fn world() -> Bench {
    let bench = Bench::new().await;
    bench.team("ops").await;
    bench.team("dev").await;
    bench.person("subject@example.com", Roles::Teams([(TeamId(1), Role::Observer)].into()), false).await;
    bench.host("web-1", Some("ops")).await;
    bench.post("~/labels", json!({"name": "mine"})).await.ok();
    bench.post("~/queries", json!({"name": "q", "query": "SELECT 1", "team_id": 1})).await.ok();
    bench.post("~/queries", json!({"name": "global", "query": "SELECT 1"})).await.ok();
    bench
}

/// Who tries: each global role, each role in the first team, and an admin of the second.
fn everyone() -> Vec<Roles> {
    let in_team = |team: u32, role| Roles::Teams([(TeamId(team), role)].into());
    let global = ROLES.into_iter().map(Roles::Global);
    let own = ROLES.into_iter().map(|role| in_team(1, role));
    global.chain(own).chain([in_team(2, Role::Admin)]).collect()
}

#[actix_web::test]
async fn rest_check_14_every_role_at_every_route() {
    let mut tried = 0;
    for route in ROUTES.iter().filter(|route| route.action.is_some()) {
        let action: Action = route.action.unwrap();
        let (path, body, scope) = sample(&route.method, route.path);
        let mut bench = world().await;
        for roles in everyone() {
            let api_only = matches!(roles.global(), Some(Role::Gitops))
                || matches!(&roles, Roles::Teams(teams) if teams.values().any(|role| *role == Role::Gitops));
            let (_, token) = bench.person("trying@example.com", roles.clone(), api_only).await;
            let answer = bench.send(route.method.clone(), &path, &token, body.clone()).await;
            let what = format!("{roles:?} at {} {}: {}", route.method, route.path, answer.text);
            // A filter means the hosts that its caller sees: one who sees none of them moves none.
            let means_nobody = route.path.ends_with("/filter")
                && roles.may(Action::ReadHosts, Scope::Any)
                && !roles.may(Action::ReadHosts, scope);
            if means_nobody {
                answer.done();
                assert_eq!(bench.state().hosts.of_team(Some(TeamId(1))).len(), 1, "{what}");
            } else if roles.may(action, scope) {
                assert_eq!(answer.status, 200, "{what}");
            } else {
                assert_eq!(answer.refusal(), (403, "forbidden".into(), "forbidden".into()), "{what}");
            }
            // What was done must not stand in the way of the next.
            bench = if answer.status == 200 { world().await } else { forget(bench).await };
            tried += 1;
        }
    }
    assert_eq!(tried, ROUTES.iter().filter(|route| route.action.is_some()).count() * 11);
}

/// Takes the one who tried away again.
async fn forget(bench: Bench) -> Bench {
    let digest = bench.app.vault.digest(infra_blobs::Purpose::Email, "trying@example.com");
    let user = bench.state().users.by_email(&digest).unwrap().id;
    bench.decide(domain::user::Command::Delete { user }).await;
    bench
}

#[actix_web::test]
async fn rest_check_06_nothing_is_decided_for_nobody() {
    let bench = world().await;
    let open = ["/api/v1/setup", "/api/setup", "~/login", "~/perform_required_password_reset"];
    for route in ROUTES.iter().filter(|route| !open.contains(&route.path)) {
        let path = route.path.replace("{id}", "1").replace("{name}", "mine");
        let without = bench.send(route.method.clone(), &path, "", json!({})).await;
        assert_eq!(without.refusal().1, "Authorization header required", "{} {}", route.method, route.path);
        let garbage = bench.send(route.method.clone(), &path, "garbage", json!({})).await;
        assert_eq!(garbage.refusal().1, "Authentication required", "{} {}", route.method, route.path);
    }
}

#[actix_web::test]
async fn rest_check_19_all_versions_are_served_alike() {
    let bench = world().await;
    for version in ["v1", "2022-04", "latest"] {
        let path = format!("/api/{version}/fleet/spec/queries");
        bench.send(Method::POST, &path, &bench.admin, json!({"specs": []})).await.done();
    }
    assert_eq!(bench.send(Method::POST, "/api/v2/fleet/spec/queries", &bench.admin, json!({})).await.status, 404);
    let wrong_verb = bench.send(Method::PUT, "~/spec/queries", &bench.admin, json!({})).await;
    assert_eq!((wrong_verb.status, wrong_verb.text.as_str()), (405, ""));
    assert_eq!(bench.send(Method::DELETE, "~/hosts/abc", &bench.admin, json!({})).await.text, "404 page not found\n");
    assert_eq!(bench.send(Method::OPTIONS, "~/login", "", json!({})).await.status, 405);
}
