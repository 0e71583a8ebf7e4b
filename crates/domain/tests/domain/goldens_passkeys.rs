//! Golden events of passkeys, and of what is signed with them.

use placet_domain::event::Event;
use placet_domain::passkey::{self, Assertion, Backing, Bytes, Challenge, Offered};
use placet_domain::request::{self, Approval, Opened, Routed};
use placet_domain::route::{Route, StepUp};

use crate::build::{Says, at, id, revision, ruling, stage, text};

pub const PASSKEY: u128 = 0x900;

fn bytes(of: &[u8]) -> Bytes {
    Bytes::new(of.to_vec()).unwrap()
}

pub fn assertion(passkey: u128) -> Assertion {
    Assertion {
        passkey: id(passkey),
        authenticator_data: bytes(b"authenticator data"),
        client_data_json: bytes(b"{\"type\":\"webauthn.get\"}"),
        signature: bytes(b"signature"),
    }
}

pub fn offered(passkey: u128, holder: u128) -> Offered {
    Offered {
        passkey: id(passkey),
        holder: id(holder),
        session: id(0x1000 + holder),
        credential_id: bytes(b"credential"),
        public_key: bytes(b"a COSE key"),
        rp: "placet.example.org".parse().unwrap(),
        name: text("laptop"),
        challenge: Challenge::of([7; 32]),
        lapses_at: at(7 * 86_400),
    }
}

pub fn events() -> Vec<Event> {
    let digest = revision(1, 1).digest().unwrap();
    let mut signed = stage("owner", 1, &[]);
    signed.step_up = Some(StepUp::Passkey);
    let person = |ruling| Backing::Person { who: id(9), session: id(0x1009), ruling };
    let enrolled = |backing| passkey::Event::Enrolled { backing };
    vec![
        passkey::Event::Offered(offered(PASSKEY, 2)).into(),
        enrolled(person(Some(ruling(Says::Yes).cite()))).into(),
        enrolled(person(None)).into(),
        enrolled(Backing::Passkey { assertion: assertion(PASSKEY + 1) }).into(),
        passkey::Event::Revoked { by: id(2) }.into(),
        request::Event::Routed(Routed {
            route: Route::People { stages: vec![signed] },
            ruling: ruling(Says::Yes).cite(),
            escalates_at: None,
        })
        .into(),
        request::Event::StepUpOpened(Opened {
            digest,
            approver: id(2),
            session: id(0x1002),
            challenge: Challenge::of([8; 32]),
            expires_at: at(330),
        })
        .into(),
        request::Event::ApprovalRecorded(Approval {
            approver: id(2),
            session: id(0x1002),
            stage: "owner".parse().unwrap(),
            digest,
            ruling: ruling(Says::Yes).cite(),
            at: at(30),
            acting_for: None,
            assertion: Some(assertion(PASSKEY)),
        })
        .into(),
    ]
}
