//! Paths of the API: how they are written down, spelled out, and answered when nothing is there.
//!
//! Routes are mounted one by one, so that both APIs can serve different verbs of one path in one process. What nobody
//! serves comes to [`Unrouted`]: an unknown path is a plain 404, a known path with another verb an empty 405.
//!
//! Source: rest-api §1.1 and the end of §1.5.

use actix_web::dev::ResourceDef;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse};

/// Spells out a path pattern for the router.
///
/// `~/` stands for `/api/{version}/fleet/` under every version, `~v1/` for `v1` alone, `~new/` for the two newer
/// spellings alone. `{id}` and `{…_id}` take digits only; any other `{name}` takes one segment.
pub fn path(pattern: &str) -> String {
    let versions = [("~v1/", "v1"), ("~new/", "2022-04|latest"), ("~/", "v1|2022-04|latest")];
    let stripped = versions.iter().find_map(|(mark, versions)| Some((pattern.strip_prefix(mark)?, versions)));
    let spelled = match stripped {
        Some((rest, versions)) => format!("/api/{{version:{versions}}}/fleet/{rest}"),
        None => pattern.to_owned(),
    };
    let segment = |segment: &str| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) if name == "id" || name.ends_with("_id") => format!("{{{name}:[0-9]+}}"),
        _ => segment.to_owned(),
    };
    spelled.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// The answer to what no route takes. As app data, with every pattern of every API in the process.
pub struct Unrouted(Vec<ResourceDef>);

impl Unrouted {
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        Unrouted(patterns.into_iter().map(|pattern| ResourceDef::new(path(pattern))).collect())
    }

    pub fn answer(&self, path: &str) -> HttpResponse {
        if self.0.iter().any(|shape| shape.is_match(path)) {
            HttpResponse::MethodNotAllowed().finish()
        } else {
            no_page()
        }
    }
}

/// The default service of the whole server.
pub async fn unrouted(request: HttpRequest) -> HttpResponse {
    let known = request.app_data::<actix_web::web::Data<Unrouted>>();
    known.map_or_else(no_page, |known| known.answer(request.path()))
}

/// A 404 that is plainly not an answer of the API.
pub fn no_page() -> HttpResponse {
    HttpResponse::NotFound()
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body("404 page not found\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        ResourceDef::new(path(pattern)).is_match(text)
    }

    #[test]
    fn all_three_versions_are_one_path() {
        for version in ["v1", "2022-04", "latest"] {
            assert!(matches("~/hosts/{id}", &format!("/api/{version}/fleet/hosts/12")));
        }
        assert!(!matches("~/hosts/{id}", "/api/v2/fleet/hosts/12"));
        assert!(!matches("~/hosts/{id}", "/api/v1x/fleet/hosts/12"));
    }

    #[test]
    fn rest_check_21_some_paths_are_of_one_version() {
        assert!(matches("~v1/global/policies", "/api/v1/fleet/global/policies"));
        assert!(!matches("~v1/global/policies", "/api/latest/fleet/global/policies"));
        assert!(!matches("~new/policies", "/api/v1/fleet/policies"));
        assert!(matches("~new/policies", "/api/2022-04/fleet/policies"));
    }

    #[test]
    fn rest_check_11_ids_are_digits_and_slashes_count() {
        assert!(!matches("~/hosts/{id}", "/api/v1/fleet/hosts/abc"));
        assert!(!matches("~/hosts/{id}", "/api/v1/fleet/hosts/12/"));
        assert!(!matches("~/hosts/{id}", "/api/v1/fleet/hosts/-1"));
        assert!(matches("~/teams/{team_id}/secrets", "/api/v1/fleet/teams/3/secrets"));
        assert!(matches("~/labels/{name}", "/api/v1/fleet/labels/All%20Hosts"));
        assert!(!matches("~/labels/{name}", "/api/v1/fleet/labels/a/b"));
        assert!(matches("/api/osquery/enroll", "/api/osquery/enroll"));
    }

    #[actix_web::test]
    async fn an_unknown_path_is_404_and_another_verb_405_with_an_empty_body() {
        let unrouted = Unrouted::new(["~/hosts/{id}", "~/packs/{name}"]);
        let show = |path: &str| {
            let response = unrouted.answer(path);
            (response.status().as_u16(), response.into_body())
        };
        let text = |body| async { actix_web::body::to_bytes(body).await.unwrap_or_default() };
        let (status, body) = show("/api/v1/fleet/nothing");
        assert_eq!((status, &text(body).await[..]), (404, &b"404 page not found\n"[..]));
        // Any route of that shape counts.
        for path in ["/api/v1/fleet/hosts/7", "/api/v1/fleet/packs/schedule"] {
            let (status, body) = show(path);
            assert_eq!((status, &text(body).await[..]), (405, &b""[..]), "{path}");
        }
    }
}
