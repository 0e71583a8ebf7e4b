//! The OpenAPI 3.1 document of the API, made of the list of routes and of the types of their
//! handlers. What a type says of itself is in [`super::describe`] and beside the type.

use placet_domain::Refusal;
use placet_domain::refusal::Class;
use placet_engine::Purpose;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{
    AllOfBuilder, Components, ComponentsBuilder, ObjectBuilder, Schema, Type,
};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Paths,
    Ref, RefOr, Required, ServerBuilder,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use super::describe::{Sketch, of_type, parameter};
use super::route::Route;
use crate::auth::Needs;
use crate::problem::{Problem, status};

const ABOUT: &str = "\
Access is asked for, decided by named people, carried out by workers, and ended. Everything that a \
page or the command line does, this API does.

**Who is there** comes from the `Authorization` header alone: a *session* (a person is there, and may \
decide) or a *token* (a program, which never decides). A token has scopes: `read`, `ask` (file, extend, \
collect, give back, withdraw, and ask about requests), `report` (that something has ended elsewhere) and \
`propose` (changes of the catalogue and policy bundles, for others to adopt). Each operation names the \
one that it needs.

**A no** is a problem (RFC 9457) with a stable `code`, a sentence in `detail`, and what to do in `next`.

**Sending again.** A call that changes something takes an `Idempotency-Key` of your own (a UUID, say): \
sent again under the same key within a day it is done once and answered alike, with \
`Idempotency-Replayed: true`. Calls whose answer holds a secret take none, since secrets are not kept.

**Changing what you saw.** Requests, grants and proposals are shown with an `ETag`; sent back as \
`If-Match`, nothing is done if the record has changed since (412).

**Lists** have pages: at most `limit` rows, and a `Link` with `rel=\"next\"` (RFC 8288) when there is \
more. Follow the link; do not make it yourself.";

/// The document as it is served.
pub(super) fn text(routes: &[Route]) -> String {
    // Failing to write it would be a bug in what it is made of; then there is no document.
    document(routes).to_pretty_json().unwrap_or_default() + "\n"
}

/// The statuses of problems, with the class of refusal behind each.
const PROBLEMS: [(Class, &str); 8] = [
    (Class::Malformed, "Malformed"),
    (Class::Unauthenticated, "Unauthenticated"),
    (Class::Unknown, "Unknown"),
    (Class::Forbidden, "Forbidden"),
    (Class::Conflict, "Conflict"),
    (Class::Precondition, "Precondition"),
    (Class::TooMany, "TooMany"),
    (Class::Unavailable, "Unavailable"),
];

pub(super) fn document(routes: &[Route]) -> OpenApi {
    let mut components = components();
    let mut paths = Paths::new();
    for route in routes {
        let mut sketch = route.sketched();
        for (name, schema) in std::mem::take(&mut sketch.schemas) {
            components.schemas.insert(name, schema);
        }
        let method = if route.method == "GET" { HttpMethod::Get } else { HttpMethod::Post };
        paths.add_path_operation(route.path, vec![method], operation(routes, route, sketch));
    }
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Placet")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(ABOUT))
                .license(Some(license)),
        )
        .servers(Some([ServerBuilder::new().url("/api/v1").build()]))
        .paths(paths)
        .components(Some(components))
        .build()
}

fn operation(routes: &[Route], route: &Route, sketch: Sketch) -> Operation {
    let Sketch { segment, query, headers, body, answer, once, set_up, names, .. } = sketch;
    let conditional = once && route.is_versioned(routes);
    let name = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let id = format!("{}{}", route.method.to_ascii_lowercase(), route.path.replace(['{', '}'], ""));
    let mut operation = OperationBuilder::new()
        .operation_id(Some(id.chars().map(name).collect::<String>()))
        .summary(Some(route.says.trim().trim_end_matches('.')))
        .tag(route.topic);
    if let (Some(schema), Some(called)) = (&segment, in_braces(route.path)) {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(called)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(schema.clone())),
        );
    }
    let reads = segment.is_some() || !query.is_empty() || !headers.is_empty() || body.is_some();
    for parameter in query.into_iter().chain(headers) {
        operation = operation.parameter(parameter);
    }
    if conditional {
        let says =
            "the `ETag` of the record as you saw it: nothing is done if it has changed since";
        let tag = of_type(Type::String).pattern(Some("^\"[0-9]{1,19}\"$"));
        operation = operation.parameter(parameter(ParameterIn::Header, "If-Match", says, tag));
    }
    if let Some((schema, must)) = body {
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let must = if must { Required::True } else { Required::False };
        let body = RequestBodyBuilder::new().content("application/json", content);
        operation = operation.request_body(Some(body.required(Some(must)).build()));
    }
    let says = if answer.created { "it was made" } else { "it went well" };
    let mut good = ResponseBuilder::new().description(says);
    if let Some((media, schema)) = answer.content {
        good = good.content(media, ContentBuilder::new().schema(Some(schema)).build());
    }
    if answer.pages {
        let text = ObjectBuilder::new().schema_type(Type::String).build();
        let says = "where the list goes on, with `rel=\"next\"`; left out on the last page";
        let header = HeaderBuilder::new().schema(Some(text)).description(Some(says)).build();
        good = good.header("Link", header);
    }
    if answer.versioned {
        let text = ObjectBuilder::new().schema_type(Type::String).build();
        let says = "the version of this record, for `If-Match`";
        let header = HeaderBuilder::new().schema(Some(text)).description(Some(says)).build();
        good = good.header("ETag", header);
    }
    operation = operation.response(if answer.created { "201" } else { "200" }, good);
    for (class, name) in PROBLEMS {
        let may = match class {
            Class::Malformed => reads,
            Class::Unauthenticated => route.needs != Needs::Nothing || reads,
            Class::Forbidden => route.needs != Needs::Nothing,
            Class::Precondition => conditional,
            Class::Unknown => {
                segment.is_some() || set_up || names || reads && route.method == "POST"
            }
            // Whoever is known is held back only from beginning something.
            Class::TooMany => set_up || route.needs == Needs::Nothing && route.method == "POST",
            Class::Conflict | Class::Unavailable => route.needs != Needs::Nothing || reads,
        };
        if may {
            let answer = RefOr::<Response>::Ref(Ref::from_response_name(name));
            operation = operation.response(status(class).0.as_str(), answer);
        }
    }
    for (status, name) in [("500", "Fault"), ("504", "TooSlow")] {
        let answer = RefOr::<Response>::Ref(Ref::from_response_name(name));
        operation = operation.response(status, answer);
    }
    for security in securities(route.needs) {
        operation = operation.security(security);
    }
    operation.build()
}

/// Who may call: one of these has to be presented; nothing at all where the list is empty.
fn securities(needs: Needs) -> Vec<SecurityRequirement> {
    let session = SecurityRequirement::new("session", [] as [&str; 0]);
    match needs.purpose() {
        _ if needs == Needs::Nothing => vec![SecurityRequirement::default()],
        Purpose::Scope(scope) => {
            vec![session, SecurityRequirement::new("token", [scope.as_str()])]
        }
        Purpose::Itself => vec![session, SecurityRequirement::new("token", [] as [&str; 0])],
        Purpose::Decision | Purpose::Unsaid => vec![session],
    }
}

/// The name of the one segment of a path that is filled in.
fn in_braces(path: &str) -> Option<&str> {
    path.split_once('{')?.1.split_once('}').map(|(name, _)| name)
}

fn components() -> Components {
    let bearer = |says: &str| {
        let http = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(says));
        SecurityScheme::Http(http.build())
    };
    let mut components = ComponentsBuilder::new()
        .security_scheme("session", bearer("a person in an interactive session of their own"))
        .security_scheme("token", bearer("a token of a program; it never decides"))
        .schema(Problem::name(), Problem::schema());
    for (class, name) in PROBLEMS {
        let codes = Refusal::CODES.iter().zip(Refusal::CLASSES);
        let codes = codes.filter(|(_, of)| **of == class).map(|(code, _)| *code);
        let problem = problem(status(class).1, codes.collect());
        components = components.response(name, problem);
    }
    components
        .response("Fault", problem("something failed inside Placet", vec!["fault"]))
        .response("TooSlow", ResponseBuilder::new().description("it took too long").build())
        .build()
}

fn problem(says: &str, codes: Vec<&'static str>) -> Response {
    let code = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes));
    let schema = AllOfBuilder::new()
        .item(Ref::from_schema_name(Problem::name()))
        .item(ObjectBuilder::new().schema_type(Type::Object).property("code", code));
    let content = ContentBuilder::new().schema(Some(Schema::AllOf(schema.build()))).build();
    ResponseBuilder::new().description(says).content("application/problem+json", content).build()
}
