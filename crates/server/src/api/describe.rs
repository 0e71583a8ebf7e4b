//! What an operation takes and answers, read from the types of its handler, so that the document
//! cannot say anything else than the code. How the document is put together is in
//! [`super::openapi`].

use std::future::Future;

use axum::Json;
use axum::extract::State;
use placet_engine::Engine;
use utoipa::ToSchema;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr, Required};

use super::changes::{Changes, LastEvent};
use crate::answer::{AsOf, Created, Rows, Sealed};
use crate::auth::Known;
use crate::body::{
    Asked, Body, LONGEST_CURSOR, Listed, ListedAll, ListedGrants, ListedOffers, ListedRequests,
    MOST_ROWS, Named, USUAL_ROWS,
};
use crate::doing::{Doing, LONGEST_KEY};
use crate::problem::Failed;

/// What is said of one operation.
#[derive(Default)]
pub(super) struct Sketch {
    /// The form of the one segment of the path that names something.
    pub segment: Option<RefOr<Schema>>,
    pub query: Vec<Parameter>,
    pub headers: Vec<Parameter>,
    /// What the body has to be, and whether there has to be one.
    pub body: Option<(RefOr<Schema>, bool)>,
    pub answer: Answer,
    /// Whether it can be sent again under a key and is done once.
    pub once: bool,
    /// It needs something that may not be set up, and counts how often it is begun.
    pub set_up: bool,
    /// What is asked for after the question mark names something, which there may not be.
    pub names: bool,
    /// Every schema that is referred to, by its name.
    pub schemas: Vec<(String, RefOr<Schema>)>,
}

/// What comes back when it went well.
#[derive(Default)]
pub(super) struct Answer {
    pub created: bool,
    /// A type of media and what it carries; nothing if the answer is empty.
    pub content: Option<(&'static str, RefOr<Schema>)>,
    /// Whether it may link to a next page.
    pub pages: bool,
    /// Whether it says the version of the record that it shows.
    pub versioned: bool,
}

impl Sketch {
    /// Refers to a schema by its name, and keeps it.
    fn refer<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let name = T::name().into_owned();
        self.schemas.push((name.clone(), T::schema()));
        T::schemas(&mut self.schemas);
        RefOr::Ref(Ref::from_schema_name(name))
    }
}

/// Something that a handler takes.
pub(super) trait Takes {
    fn sketch(sketch: &mut Sketch);
}

impl Takes for State<Engine> {
    fn sketch(_: &mut Sketch) {}
}

impl Takes for Known {
    fn sketch(_: &mut Sketch) {}
}

impl Takes for Doing {
    fn sketch(sketch: &mut Sketch) {
        sketch.once = true;
        // Visible, and nothing that quotes.
        let visible = format!(r"^[!#-\[\]-_a-~]{{1,{LONGEST_KEY}}}$");
        let key = of_type(Type::String).pattern(Some(visible));
        let says = "send the call again under the same key, and it is done once; kept for a day";
        sketch.headers.push(parameter(ParameterIn::Header, "Idempotency-Key", says, key));
    }
}

impl<T: ToSchema> Takes for Asked<T> {
    fn sketch(sketch: &mut Sketch) {
        sketch.names = true;
        let RefOr::T(Schema::Object(object)) = T::schema() else { return };
        for (name, schema) in object.properties {
            let must = object.required.contains(&name);
            let says = match &schema {
                RefOr::T(Schema::Object(of)) => of.description.clone(),
                _ => None,
            };
            let parameter = ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Query)
                .required(if must { Required::True } else { Required::False })
                .description(says)
                .schema(Some(schema));
            sketch.query.push(parameter.build());
        }
    }
}

impl Takes for LastEvent {
    fn sketch(sketch: &mut Sketch) {
        let number = of_type(Type::Integer).minimum(Some(0)).maximum(Some(i64::MAX));
        let says = "the `id` of the last event that came: what changed since is told at once";
        sketch.headers.push(parameter(ParameterIn::Header, "Last-Event-ID", says, number));
    }
}

impl Takes for crate::oidc::Asked {
    fn sketch(_: &mut Sketch) {}
}

impl Takes for crate::passkeys::Asked {
    fn sketch(sketch: &mut Sketch) {
        sketch.set_up = true;
    }
}

/// Where it is needed for one way of several.
impl Takes for Result<crate::passkeys::Asked, Failed> {
    fn sketch(_: &mut Sketch) {}
}

impl Takes for crate::tries::Trying {
    fn sketch(_: &mut Sketch) {}
}

impl<T: ToSchema> Takes for Named<T> {
    fn sketch(sketch: &mut Sketch) {
        sketch.segment = Some(T::schema());
    }
}

impl<T: ToSchema> Takes for Body<T> {
    fn sketch(sketch: &mut Sketch) {
        // An empty body counts as `{}`.
        let must = match T::schema() {
            RefOr::T(Schema::Object(object)) => !object.required.is_empty(),
            _ => true,
        };
        sketch.body = Some((sketch.refer::<T>(), must));
    }
}

pub(super) fn parameter(
    place: ParameterIn,
    name: &str,
    says: &str,
    schema: ObjectBuilder,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(says))
        .schema(Some(Schema::Object(schema.build())))
        .build()
}

pub(super) fn of_type(r#type: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::new(r#type))
}

impl Takes for Listed {
    fn sketch(sketch: &mut Sketch) {
        let limit = of_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(MOST_ROWS))
            .default(Some(USUAL_ROWS.into()));
        let after = of_type(Type::String).min_length(Some(1)).max_length(Some(LONGEST_CURSOR));
        sketch.query.push(parameter(
            ParameterIn::Query,
            "limit",
            "how many rows at the most",
            limit,
        ));
        let says = "go on after this row, as the `Link` to the next page says";
        sketch.query.push(parameter(ParameterIn::Query, "after", says, after));
    }
}

impl Takes for ListedAll {
    fn sketch(sketch: &mut Sketch) {
        Listed::sketch(sketch);
        let all = of_type(Type::Boolean).default(Some(false.into()));
        sketch.query.push(parameter(ParameterIn::Query, "all", "include what is over", all));
    }
}

/// A filter of a list: a name, as long as a cursor at the most.
fn filter(sketch: &mut Sketch, name: &str, says: &str) {
    let text = of_type(Type::String).min_length(Some(1)).max_length(Some(LONGEST_CURSOR));
    sketch.query.push(parameter(ParameterIn::Query, name, says, text));
}

impl Takes for ListedGrants {
    fn sketch(sketch: &mut Sketch) {
        ListedAll::sketch(sketch);
        filter(sketch, "receiver", "held by this identity: a handle or id");
        filter(sketch, "entitlement", "of this entitlement");
        filter(sketch, "target", "on this target");
    }
}

impl Takes for ListedRequests {
    fn sketch(sketch: &mut Sketch) {
        Listed::sketch(sketch);
        filter(sketch, "person", "asked for, received or agreed to by this one: a handle or id");
        filter(sketch, "entitlement", "for this entitlement");
        for (name, says) in [("since", "asked at this moment or later"), ("until", "asked before")]
        {
            let moment = SchemaFormat::KnownFormat(KnownFormat::DateTime);
            let text = of_type(Type::String).format(Some(moment)).max_length(Some(LONGEST_CURSOR));
            sketch.query.push(parameter(ParameterIn::Query, name, says, text));
        }
    }
}

impl Takes for ListedOffers {
    fn sketch(sketch: &mut Sketch) {
        let text = of_type(Type::String).max_length(Some(LONGEST_CURSOR));
        sketch.query.push(parameter(
            ParameterIn::Query,
            "q",
            "words, of which the first four are looked for",
            text,
        ));
        let one_of = |values: &[&str]| of_type(Type::String).enum_values(Some(values.to_vec()));
        let environments = one_of(&["dev", "staging", "prod"]);
        sketch.query.push(parameter(ParameterIn::Query, "environment", "where", environments));
        let privileges = one_of(&["read", "write", "admin"]);
        sketch.query.push(parameter(ParameterIn::Query, "privilege", "how much", privileges));
    }
}

/// Something that a handler answers when it went well.
pub(super) trait Answers {
    fn sketch(sketch: &mut Sketch);
}

impl Answers for () {
    fn sketch(_: &mut Sketch) {}
}

impl Answers for String {
    fn sketch(sketch: &mut Sketch) {
        let text = Schema::Object(of_type(Type::String).build());
        sketch.answer.content = Some(("text/plain", text.into()));
    }
}

impl Answers for Sealed {
    fn sketch(sketch: &mut Sketch) {
        let any: Object = of_type(Type::Object).build();
        sketch.answer.content = Some(("application/json", Schema::Object(any).into()));
    }
}

impl<T: ToSchema> Answers for Json<T> {
    fn sketch(sketch: &mut Sketch) {
        sketch.answer.content = Some(("application/json", sketch.refer::<T>()));
    }
}

impl Answers for Changes {
    fn sketch(sketch: &mut Sketch) {
        let text = Schema::Object(of_type(Type::String).build());
        sketch.answer.content = Some(("text/event-stream", text.into()));
    }
}

impl<T: ToSchema> Answers for AsOf<T> {
    fn sketch(sketch: &mut Sketch) {
        Json::<T>::sketch(sketch);
        sketch.answer.versioned = true;
    }
}

impl<T: ToSchema> Answers for Created<T> {
    fn sketch(sketch: &mut Sketch) {
        Json::<T>::sketch(sketch);
        sketch.answer.created = true;
    }
}

impl<T: ToSchema> Answers for Rows<T> {
    fn sketch(sketch: &mut Sketch) {
        let rows = ArrayBuilder::new().items(sketch.refer::<T>());
        sketch.answer.content = Some(("application/json", Schema::Array(rows.build()).into()));
        sketch.answer.pages = !sketch.query.is_empty();
    }
}

impl<T: Answers> Answers for Result<T, Failed> {
    fn sketch(sketch: &mut Sketch) {
        T::sketch(sketch);
    }
}

/// A handler, described by its types.
pub(super) trait Described<Arguments> {
    fn sketch(&self, sketch: &mut Sketch);
}

macro_rules! described {
    ($($argument:ident)*) => {
        impl<F, Fut, $($argument),*> Described<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut,
            Fut: Future,
            Fut::Output: Answers,
            $($argument: Takes,)*
        {
            fn sketch(&self, sketch: &mut Sketch) {
                $($argument::sketch(sketch);)*
                Fut::Output::sketch(sketch);
            }
        }
    };
}

described!();
described!(A);
described!(A B);
described!(A B C);
described!(A B C D);
described!(A B C D E);

pub(super) fn sketch<Arguments>(handler: &impl Described<Arguments>, into: &mut Sketch) {
    handler.sketch(into);
}
