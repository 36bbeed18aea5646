//! The rules that the kit verifies, each with the part of the contract that it comes from and how to
//! mend an adapter that breaks it. `docs/adapter-check.md` lists them all.

/// One rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name. The part before the full stop is its group.
    pub id: &'static str,
    /// What an adapter that keeps it does.
    pub says: &'static str,
    /// The part of `wit/v1.1` that it comes from.
    pub from: &'static str,
    /// How to mend an adapter that breaks it.
    pub mend: &'static str,
}

macro_rules! rules {
    ($($name:ident = $id:literal, $says:literal, $from:literal, $mend:literal;)+) => {
        $(pub(super) const $name: &Rule = &Rule { id: $id, says: $says, from: $from, mend: $mend };)+
        /// Every rule, in the order in which they are verified.
        pub const ALL: &[&Rule] = &[$($name,)+];
    };
}

rules! {
    CONTRACT = "world.contract",
        "The component parses and fits the contract",
        "world.wit: world adapter",
        "build it against wit/v1.1, for wasm32-wasip2; `flightdeck adapter inspect` prints what it imports and exports";
    DESCRIPTION = "world.description",
        "describe succeeds, is valid and is the same every time",
        "world.wit: describe; adapter-types.wit: description",
        "return a constant: nothing from a clock, from random numbers, or in the order of a hash map";
    SETTINGS = "world.settings",
        "The schemas are valid, and the settings of platform and product fit them",
        "adapter-types.wit: settings-schema, product-settings-schema",
        "correct the schema, or the settings in check.toml";
    PATTERNS = "world.patterns",
        "The granted patterns cover the declared ones",
        "adapter-types.wit: read-requests, write-requests",
        "grant the patterns in check.toml if the requests change nothing, or don't declare them";
    PLAN_OFFLINE = "plan.offline",
        "plan uses neither network nor steps",
        "world.wit: plan; steps.wit: begin",
        "make plan from its arguments alone, and read nothing from the ad server";
    PLAN_SAME = "plan.deterministic",
        "Equal arguments give equal plans, whatever the time is",
        "world.wit: plan; adapter-types.wit: change-plan",
        "take nothing in a plan from a clock, from random numbers, or from the order of a hash map";
    PLAN_TOTAL = "plan.total",
        "plan never traps, and its answers can be used",
        "world.wit: plan; adapter-types.wit: change-plan",
        "return a failure instead of a panic; plan every package of a create, and none that the buy does not have";
    PLAN_FAILURES = "plan.failures",
        "A refused plan is `invalid` or `unsupported`, and its items name fields",
        "adapter-types.wit: failure-kind, failure-item",
        "use `invalid` or `unsupported`, and give an item with a JSON pointer for each thing that is wrong";
    PLAN_ACCEPTS = "plan.accepts",
        "Requests within the declared capabilities are accepted",
        "adapter-types.wit: description",
        "declare only what plan accepts, with its values; list values that the ad server knows in [sample.values]";
    PLAN_COMPLETE = "plan.complete",
        "A request that differs in one part has another plan",
        "world.wit: plan; adapter-types.wit: change-plan",
        "plan and send every value that was asked for: all values of a list, and amounts as exact decimals, never as floats; refuse what can't be sent";
    PLAN_REFUSES = "plan.refuses",
        "A request outside of the declared capabilities is refused, and its field named",
        "world.wit: plan; adapter-types.wit: failure-item",
        "check each part of a request in plan against what describe declares, and name the field of what is refused";
    CREATE_DONE = "create.succeeds",
        "The sample is planned and made on the ad server",
        "world.wit: create-media-buy",
        "read the failure; correct the adapter, or the settings and the sample in check.toml";
    CREATE_STEPS = "create.in-steps",
        "Every write is inside a step, and no step is left open",
        "steps.wit: begin, finish; world.wit: create-media-buy",
        "begin a step before each write and finish it afterwards; declare a POST that only reads in `read-requests`";
    CREATE_REMEMBERED = "create.remembered",
        "The order and each package are remembered",
        "steps.wit: remember; world.wit: create-media-buy",
        "call `remember` for the order and for each package as soon as the id is known";
    CREATE_PLANNED = "create.as-planned",
        "Each planned object is made, in a step of its own, and nothing else is",
        "adapter-types.wit: change-plan; steps.wit: begin",
        "make exactly what plan shows: one step for each object";
    CREATE_REFERENCES = "create.references",
        "find-made finds the order and each package by the reference of its step, with the remembered id",
        "steps.wit: begin; world.wit: find-made",
        "store the reference on the object in a field that can be searched, and look for it in find-made, on all pages";
    CREATE_AGAIN = "create.again",
        "Run again with a finished journal, it names the same steps in the same order and writes nothing",
        "steps.wit: begin, state done",
        "name steps after the buy's own ids only, and return the recorded outcome of a step that is done";
    CREATIVES_DONE = "creatives.succeed",
        "The sample's creatives are uploaded, with a state for each",
        "world.wit: add-creative-assets; adapter-types.wit: creative-outcome",
        "read the failure; correct the adapter, or the creatives in check.toml";
    CREATIVES_AGAIN = "creatives.again",
        "Run again with a finished journal, the upload writes nothing",
        "steps.wit: begin, state done",
        "return the recorded outcome of a step that is done";
    CRASH_CREATE = "crash.create",
        "A create that is killed anywhere ends when it is run again, with one of everything",
        "steps.wit: in-doubt, absent",
        "in doubt, look the reference up before anything is made, and call `absent` only when it is not there";
    CRASH_CREATIVES = "crash.creatives",
        "As crash.create, for an upload of creatives",
        "steps.wit: in-doubt, absent",
        "in doubt, look the reference up before anything is made, also for creatives and associations";
    CRASH_UPDATE = "crash.update",
        "As crash.create, for an update",
        "steps.wit: in-doubt, absent; adapter-types.wit: media-buy-update",
        "repeat changes that are idempotent, and look up those that are not";
    CRASH_CANCEL = "crash.cancel",
        "As crash.create, for a cancel: nothing of the buy delivers afterwards",
        "world.wit: cancel-media-buy",
        "take an object that is gone or stopped already for a success";
    ANSWERS_CREATE = "answers.create",
        "A create ends well, or with a failure of the right kind, whatever the ad server answers",
        "adapter-types.wit: failure-kind",
        "429 and 5xx are `unavailable` with `retry-after-ms`, 401 is `permission`; check a body before it is read";
    ANSWERS_CREATIVES = "answers.creatives",
        "As answers.create, for an upload of creatives",
        "adapter-types.wit: failure-kind, asset-state",
        "an asset is `rejected` only if the ad server judged it: a busy one is a failure of the call";
    ANSWERS_UPDATE = "answers.update",
        "As answers.create, for an update",
        "adapter-types.wit: failure-kind, update-outcome",
        "a busy ad server is a failure of the call, or the `failed` package's with the kind `unavailable`";
    ANSWERS_CANCEL = "answers.cancel",
        "As answers.create, for a cancel",
        "adapter-types.wit: failure-kind",
        "429 and 5xx are `unavailable`; what could not be stopped is never reported as done";
    CRASH_DUPLICATES = "crash.duplicates",
        "The ad server's own count shows no duplicates (only with a control API)",
        "world.wit: find-made",
        "see crash.create; find-made does not see an object without its reference";
    READS_STATUS = "reads.status",
        "check-status answers for each buy once, for one and for several",
        "world.wit: check-status; adapter-types.wit: status-answer",
        "return one answer for each buy that was asked about, with the packages of that buy";
    READS_DELIVERY = "reads.delivery",
        "get-delivery answers for each buy once, within the days that were asked for",
        "world.wit: get-delivery; adapter-types.wit: delivery-answer",
        "return one answer for each buy, also without delivery, and no day outside of the range";
    READS_MISSING = "reads.missing",
        "A buy that the ad server does not have is `missing`, and the others are answered",
        "adapter-types.wit: delivery-state missing",
        "report `missing` for this buy alone: it is no failure of the call";
    READS_ACCOUNT = "reads.account",
        "inspect-account, if it is exported, finds what check.toml names, and says what does not exist",
        "account.wit: inspect-account",
        "return an id that the ad server does not have as a finding, with the pointer of its setting: no failure";
    UPDATES_APPLIED = "updates.applied",
        "Each declared kind of update succeeds, and check-status agrees",
        "world.wit: update-media-buy; adapter-types.wit: update-kind",
        "send the differences of `current` and `desired`, or don't declare the kind in `updates`";
    UPDATES_IDLE = "updates.idle",
        "An update without differences writes nothing",
        "adapter-types.wit: media-buy-update",
        "compare both states after translating them, and skip what is equal";
    CANCEL_STOPS = "cancel.stops",
        "After a cancel nothing delivers, check-status agrees, and a second cancel succeeds",
        "world.wit: cancel-media-buy",
        "stop every object of the buy, and take what is gone for stopped";
    CANCEL_HALF_WAY = "cancel.half-way",
        "A create that was cut off anywhere can be cancelled, and nothing of it delivers",
        "world.wit: cancel-media-buy",
        "stop what is remembered, and look for an order with the media buy's id if none is";
    LIMITS = "limits.used",
        "Every call stays within its limits",
        "world.wit: package documentation; limits of the host's configuration",
        "use less, or raise `limits` of the platform";
}
