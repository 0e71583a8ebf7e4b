//! What a flow costs where: its questions are asked of Cedar again, its proof is verified again, its
//! entries are written again, in this process and on what the flow left in its store. SQL and HTTP
//! are read off the server instead.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use placet_domain::access::Scope;
use placet_domain::action::Effect;
use placet_domain::bundle::Bundle;
use placet_domain::canonical::Digest;
use placet_domain::entitlement::Entitlement;
use placet_domain::entry::Entry;
use placet_domain::event::Event;
use placet_domain::grant::{self, Grant};
use placet_domain::id::{IdentityId, Stream};
use placet_domain::identity::Identity;
use placet_domain::name::StageName;
use placet_domain::request::Request;
use placet_domain::ruling::Ruling;
use placet_domain::team::Team;
use placet_ledger::{Act, Checkpoint, Claim, Edge, LogKey, Proof, TrailHead, VerifiedAssent};
use placet_policy::{Ask, Policies, World};
use placet_store::{Facts, Page, Reader, Settings, Store};

use crate::machine;

/// How long each part is done again and again, in microseconds of CPU.
const MICROS: i64 = 300_000;
/// How often it is done before the clock is looked at.
const TIMES: u32 = 20;
/// What a flow makes durable: filing, agreeing, the intent, the outcome, the sighting.
const COMMITS: u32 = 5;

/// Microseconds of a flow.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// What is asked when it is filed, agreed to and carried out.
    pub ruling: f64,
    /// What may be read is asked for each answer that shows a record.
    pub reading: f64,
    pub proof: f64,
    pub ledger: f64,
}

/// The CPU time of doing something.
fn time<T>(mut what: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<f64> {
    what()?;
    let (began, mut times) = (machine::thread_cpu()?, 0);
    loop {
        for _ in 0..TIMES {
            std::hint::black_box(what()?);
        }
        times += TIMES;
        let took = machine::thread_cpu()? - began;
        if took >= MICROS {
            return Ok(took as f64 / f64::from(times));
        }
    }
}

/// The store of a company whose server has stopped.
pub async fn open(data: &Path) -> anyhow::Result<(Store, LogKey)> {
    let key = || -> anyhow::Result<LogKey> {
        let text = std::fs::read_to_string(data.join("log.key"))?;
        Ok(LogKey::from_private_text(text.trim())?)
    };
    Ok((Store::open(Settings::new(data), key()?).await?, key()?))
}

/// One flow as it stands in the store, and everything that it was ruled by.
struct Flow {
    store: Store,
    key: LogKey,
    policies: Policies,
    grant: Grant,
    request: Request,
    identities: BTreeMap<IdentityId, Identity>,
    teams: BTreeMap<placet_domain::name::TeamName, Team>,
    entitlement: Entitlement,
    holdings: BTreeMap<IdentityId, BTreeSet<placet_domain::id::EntitlementId>>,
}

pub async fn measure(data: &Path) -> anyhow::Result<Parts> {
    let flow = Flow::of(data).await?;
    let (ruling, reading) = flow.rulings()?;
    Ok(Parts { ruling, reading, proof: flow.proof().await?, ledger: flow.ledger().await? })
}

impl Flow {
    async fn of(data: &Path) -> anyhow::Result<Self> {
        let (store, key) = open(data).await?;
        let mut facts = Facts::default();
        let organisation = store.organisation(&mut facts).await?.context("an organisation")?;
        let text = store.record(organisation.ruling_bundle).await?.context("a ruling bundle")?;
        let bundle: Bundle = serde_json::from_str(&text)?;
        let policies = Policies::load(&bundle)
            .map_err(|problems| anyhow::anyhow!("the bundle has {} problems", problems.len()))?;
        let someone =
            organisation.founded.administrators.first().copied().context("administrators")?;
        let at = store.last_entry_at().await?.context("entries")?;
        let reader = Reader { who: someone, scopes: Scope::ALL.into_iter().collect(), at };
        let page = Page { limit: Some(1), after: None };
        let grant = store.grants(&reader, true, &page).await?.pop().context("a grant")?;
        let request: Request =
            store.load(grant.approved.request, &mut facts).await?.context("its request")?;
        let entitlement: Entitlement =
            store.load(grant.approved.entitlement, &mut facts).await?.context("what it gives")?;
        let mut identities = BTreeMap::new();
        let owners = BTreeSet::from([entitlement.owners.clone()]);
        let mut wanted: Vec<IdentityId> = vec![grant.approved.receiver, entitlement.owner];
        for one in store.members(&owners, &mut facts).await? {
            wanted.push(one.id);
        }
        while let Some(id) = wanted.pop() {
            if identities.contains_key(&id) {
                continue;
            }
            let one: Identity = store.load(id, &mut facts).await?.context("an identity")?;
            wanted.extend(one.manager());
            identities.insert(id, one);
        }
        let teams = store.teams(&mut facts).await?;
        let teams = teams.into_iter().map(|team| (team.name.clone(), team)).collect();
        let held = store.holdings(grant.approved.receiver, &mut facts).await?;
        let held = held.iter().map(|one| one.approved.entitlement).collect();
        let holdings = BTreeMap::from([(grant.approved.receiver, held)]);
        let (request, grant) = (request, grant);
        Ok(Self { store, key, policies, grant, request, identities, teams, entitlement, holdings })
    }

    fn ask(&self) -> Ask {
        let revision = &self.request.revision;
        Ask {
            request: revision.request,
            requester: revision.requester,
            receiver: revision.receiver,
            entitlement: revision.entitlement,
            length: revision.length,
            approvers: BTreeSet::new(),
            emergency: None,
            answers_own_finding: false,
        }
    }

    /// The questions of filing, agreeing and carrying out as the engine puts them; and those of one
    /// answer that shows a record.
    fn rulings(&self) -> anyhow::Result<(f64, f64)> {
        let entitlements = BTreeMap::from([(self.entitlement.id, self.entitlement.clone())]);
        let world = World {
            identities: &self.identities,
            teams: &self.teams,
            entitlements: &entitlements,
            holdings: &self.holdings,
        };
        let now = self.request.submitted_at;
        let ask = self.ask();
        let approval = self.request.approvals.first().context("an approval")?;
        let (stage, approver) = (approval.stage.clone(), approval.approver);
        let agreed = Ask { approvers: BTreeSet::from([approver]), ..ask.clone() };
        let stages = [stage.clone()];
        let ruling = time(|| {
            let mut asking = self.policies.asking(&world, now);
            asking.may_ask(&ask, 30);
            asking.solve(&ask);
            let filed = asking.into_records();
            let mut asking = self.policies.asking(&world, now);
            asking.candidates(&ask, &stages);
            let mut asking = self.policies.asking(&world, now);
            asking.solve(&ask);
            let solved = asking.into_records();
            let mut asking = self.policies.asking(&world, now);
            asking.candidates(&ask, &stages);
            asking.may_approve(&ask, &stage, approver);
            let agreed_to = asking.into_records();
            let mut asking = self.policies.asking(&world, now);
            asking.may_approve(&agreed, &stage, approver);
            let counters = BTreeMap::from([(stage.clone(), 1)]);
            let ruling = asking.may_grant(&agreed, &counters, Some(0));
            anyhow::ensure!(ruling.permit, "it is not granted again: {}", ruling.sentence());
            Ok((filed, solved, agreed_to, asking.into_records()))
        })?;
        let receiver = self.grant.approved.receiver;
        let reading = time(|| {
            let mut asking = self.policies.asking(&world, now);
            Ok(asking.readable(receiver))
        })?;
        Ok((ruling, reading))
    }

    /// Assent as it was verified before the call: the trail up to the intent.
    async fn proof(&self) -> anyhow::Result<f64> {
        let trail = Stream::Request(self.request.id);
        let mut proven = self.store.proven_trail(&trail).await?;
        let mut intent = None;
        for (place, one) in proven.entries.iter().enumerate() {
            let entry = Entry::decode(&one.body)?;
            if let Event::Grant(grant::Event::Intended(intended)) = &entry.event.0
                && intended.effect == Effect::Grant
            {
                intent = Some((place, intended.action, entry));
            }
        }
        let (place, action, entry) = intent.context("an intent")?;
        proven.entries.truncate(place + 1);
        let body = &proven.entries.last().context("entries")?.body;
        let end = TrailHead { entries: entry.nth, digest: Digest::of(body) };
        let commitment = self.grant.approved.account.commitment();
        let disclosure = self.store.disclosure(commitment).await?.context("its account")?;
        let account = self.store.disclosed(&self.grant.approved.account).await?;
        let account = account.context("its account")?;
        let permit = Ruling {
            permit: true,
            deciding: Vec::new(),
            errors: Vec::new(),
            bundle: self.policies.bundle(),
            record: Digest::of(b"measured"),
        };
        let eligible: BTreeMap<(IdentityId, StageName), Ruling> = self
            .request
            .approvals
            .iter()
            .map(|one| ((one.approver, one.stage.clone()), permit.clone()))
            .collect();
        let (remembered, consistency) = match proven.remembered.clone() {
            Some((head, proof)) => (Some(head), proof),
            None => (None, Proof::default()),
        };
        let claim = Claim {
            key: self.store.verifier(),
            remembered,
            checkpoint: &proven.checkpoint,
            consistency: &consistency,
            request: self.request.id,
            entries: &proven.entries,
            end,
            passkeys: &[],
            act: Act {
                grant: self.grant.id,
                action,
                entitlement: self.entitlement.id,
                native: &self.entitlement.terms.native,
                account: &account,
                disclosure: &disclosure,
                terms: &self.entitlement.terms,
            },
            eligible_now: &eligible,
            now: entry.at,
        };
        time(|| {
            VerifiedAssent::verify(&claim)
                .map_err(|refusal| anyhow::anyhow!("no assent: {}", refusal.sentence()))
        })
    }

    /// Its entries, encoded and hashed anew, and a signature for each commit.
    async fn ledger(&self) -> anyhow::Result<f64> {
        let trail = Stream::Request(self.request.id);
        let mut entries = Vec::new();
        for stored in self.store.trail(&trail).await? {
            entries.push(Entry::decode(stored.body.as_bytes())?);
        }
        time(|| {
            let mut edge = Edge::empty();
            for entry in &entries {
                let bytes = entry.encode()?;
                std::hint::black_box(Digest::of(&bytes));
                edge.append([bytes.as_slice()]);
            }
            for _ in 0..COMMITS {
                std::hint::black_box(Checkpoint::sign(&self.key, edge.head()?)?);
            }
            Ok(())
        })
    }
}
