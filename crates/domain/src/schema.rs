//! The form of every text and closed list of the domain as a schema, for whoever describes an API
//! (feature `schema`). A form stands here once, beside the parser that it describes; what a
//! protocol does with it does not belong here.

use std::borrow::Cow;

use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat,
    Type,
};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::bundle::Bundle;
use crate::canonical::Digest;
use crate::catalogue::Effect;
use crate::credential::TokenScope;
use crate::entitlement::{self, Environment, Privilege};
use crate::id::{
    ActionId, CredentialId, DelegationId, EntitlementId, FilingId, FindingId, GrantId, HandoverId,
    IdentityId, NoticeId, PasskeyId, ProposalId, RequestId, Stream, TargetId,
};
use crate::identity::{self, Login};
use crate::name::{
    AccountName, ConnectorKind, EntitlementName, Handle, Issuer, LoginSubject, MailAddress,
    NativeId, PackName, ScheduleName, StageName, TargetName, TeamName,
};
use crate::passkey::{Bytes, Challenge};
use crate::request::{Answer, Verdict};
use crate::schedule::{Clock, Day, Schedule};
use crate::time::Timestamp;

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn of_form(pattern: &str) -> ObjectBuilder {
    text().pattern(Some(pattern))
}

fn slug() -> ObjectBuilder {
    of_form("^[a-z0-9][a-z0-9._-]{0,63}$")
}

/// A type whose schema is named after it.
macro_rules! schemas {
    ($($type:ty as $name:expr => $schema:expr;)*) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let object: Object = $schema.build();
                RefOr::T(Schema::Object(object))
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    )*};
}

macro_rules! ids {
    ($($type:ident)*) => {
        schemas! {$(
            $type as stringify!($type) => of_form(&format!("^{}_[0-9a-f]{{32}}$", $type::PREFIX));
        )*}
    };
}

/// Closed lists: the words that they are written as.
macro_rules! lists {
    ($($type:ty as $name:literal => $($variant:ident)*;)*) => {
        schemas! {$(
            $type as $name => text().enum_values(Some([$(<$type>::$variant.as_str()),*]));
        )*}
    };
}

ids! {
    ActionId CredentialId DelegationId EntitlementId FilingId FindingId GrantId HandoverId IdentityId
    NoticeId PasskeyId ProposalId RequestId TargetId
}

lists! {
    Answer as "Answer" => Adopt Regrant Accept;
    Day as "Day" => Mon Tue Wed Thu Fri Sat Sun;
    Effect as "Effect" => Widens Narrows Neutral;
    Environment as "Environment" => Dev Staging Prod;
    Privilege as "Privilege" => Read Write Admin;
    TokenScope as "TokenScope" => Read Ask Report Propose;
    Verdict as "Verdict" => Justified NotJustified;
    entitlement::Kind as "EntitlementKind" => Role Group Account Secret;
    identity::Kind as "IdentityKind" => Human Service Pipeline Agent Key Certificate;
}

schemas! {
    ConnectorKind as "ConnectorKind" => slug();
    EntitlementName as "EntitlementName" => slug();
    Handle as "Handle" => slug();
    PackName as "PackName" => slug();
    ScheduleName as "ScheduleName" => slug();
    StageName as "StageName" => slug();
    TargetName as "TargetName" => slug();
    TeamName as "TeamName" => slug();
    AccountName as "AccountName" => of_form(r"^[^\s:#\x00-\x1f\x7f-\x9f]{1,128}$");
    MailAddress as "MailAddress" => text()
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Email)))
        .max_length(Some(254));
    NativeId as "NativeId" => text().min_length(Some(1)).max_length(Some(256));
    Digest as "Digest" => of_form("^[0-9a-f]{64}$")
        .description(Some("a SHA-256 in hex"));
    Bytes as "Bytes" => of_form(
        "^([A-Za-z0-9_-]{4})*([A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?$",
    )
        .min_length(Some(2))
        .max_length(Some(5462))
        .description(Some("bytes as base64url without padding (RFC 4648, section 5)"));
    Challenge as "Challenge" => of_form("^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$")
        .description(Some("what a passkey signs, as base64url"));
    Timestamp as "Timestamp" => text()
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some("a moment in UTC, RFC 3339"));
    Stream as "Stream" => of_form(
        "^(organisation|(team|schedule)_[a-z0-9][a-z0-9._-]{0,63}|(idn|tgt|ent|req|grt|fnd|crd|dlg|prp|hnd|pky)_[0-9a-f]{32})$",
    ).description(Some("a record, by its id"));
    Issuer as "Issuer" => of_form("^https?://[^?#]{1,255}$")
        .description(Some("an OpenID provider, as it calls itself"));
    LoginSubject as "LoginSubject" => of_form("^[\\x21-\\x7e]{1,255}$");
    Login as "Login" => ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("issuer", Issuer::schema())
        .property("subject", LoginSubject::schema())
        .required("issuer")
        .required("subject")
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
    Clock as "Clock" => of_form("^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$");
    Bundle as "Bundle" => ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(Schema::Object(text().build())))))
        .description(Some("the files of a policy bundle, by their path in it"));
}

/// Its dates are of a library, so it is written out.
impl PartialSchema for Schedule {
    fn schema() -> RefOr<Schema> {
        let day = RefOr::Ref(Ref::from_schema_name(Day::name()));
        let date = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))).build();
        let list = |items: RefOr<Schema>| ArrayBuilder::new().items(items).build();
        let clock = || RefOr::<Schema>::Ref(Ref::from_schema_name(Clock::name()));
        let mut object = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("name", RefOr::<Schema>::Ref(Ref::from_schema_name(ScheduleName::name())))
            .property("zone", text().description(Some("the IANA name of a time zone")))
            .property("days", list(day))
            .property("opens", clock())
            .property("closes", clock())
            .property("closed", list(RefOr::T(Schema::Object(date))))
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
        for required in ["name", "zone", "days", "opens", "closes"] {
            object = object.required(required);
        }
        object.into()
    }
}

impl ToSchema for Schedule {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Schedule")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Day::name().into_owned(), Day::schema()));
        schemas.push((Clock::name().into_owned(), Clock::schema()));
        schemas.push((ScheduleName::name().into_owned(), ScheduleName::schema()));
    }
}
