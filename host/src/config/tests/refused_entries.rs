//! Platforms, principals, tokens, products and approvals: what is refused, at which position, and
//! with which message.

use super::{PUBLISHER, refused, refused_in_house};

#[test]
fn a_platform_has_a_name_an_adapter_and_an_endpoint() {
    refused(
        &format!("{PUBLISHER}\n¦¦[[platforms]]\n"),
        &[
            "[[platforms]] needs `endpoint`; add it, like endpoint = \"https://api.acme.example\"",
            "[[platforms]] needs `name`; add it, like name = \"acme\"",
        ],
    );
    refused_in_house(
        "[[platforms]]\nname = ¦\"Acme-2\"\nadapter = ¦\"missing.wasm\"\nendpoint = ¦\"api.acme.example\"\n\
         settings = ¦[1]\nrate_per_second = ¦0\nmax_concurrent_requests = ¦0\nin_doubt_wait = ¦\"2d\"\nprocessing_bound = ¦\"25h\"\n\
         endpoint_aliases = [¦\"acme\"]\n",
        &[
            "`name` must be a lower-case name of letters, digits and _ that begins with a letter, like \"acme\"",
            "`adapter` names /etc/flightdeck/missing.wasm, which is no file; build the adapter or correct the path",
            "`endpoint` must be an http or https address without user, query and fragment, like \
             \"https://api.acme.example\"",
            "`settings` must be a table, like { key = \"value\" }",
            "`rate_per_second` must be a whole number from 1 to 100000",
            "`max_concurrent_requests` must be a whole number from 1 to 10000",
            "`in_doubt_wait` must be at most a day",
            "`processing_bound` must be at most a day",
            "`endpoint_aliases` must be an http or https address without user, query and fragment, like \
             \"https://api.acme.example\"",
        ],
    );
    refused(
        &format!("{PUBLISHER}[[platforms]]\nname = ¦\"multi\"\nadapter = \"a\"\nendpoint = \"https://a.example\"\n"),
        &["`name` must not be `multi`: so begin the ids of buys on several platforms"],
    );
}

#[test]
fn what_may_pass_as_a_read_is_named_and_not_too_wide() {
    refused_in_house(
        "[[platforms]]\nname = \"b\"\nadapter = \"b.wasm\"\nendpoint = \"https://b.example\"\n\
         read_requests = [¦\"POST /*\", ¦\"POST /v1/*\", ¦\"GET /v1/reports\", \"POST /v1/reports/*\"]\n\
         write_requests = [¦\"POST /v1/flight\", \"GET /*\"]\n",
        &[
            "`read_requests` has a pattern that can't be taken: `POST /*` is too wide: it would let writes pass as reads. Name the \
             resource before the first star, as in POST /v1/reports/*, and put a name between two stars",
            "`read_requests` has a pattern that can't be taken: `POST /v1/*` is too wide: it would let writes pass as reads. Name the \
             resource before the first star, as in POST /v1/reports/*, and put a name between two stars",
            "`read_requests` has a pattern that can't be taken: `GET /v1/reports` is no request; it is written like POST \
             /v1/report/queue",
            "`write_requests` has a pattern that can't be taken: `POST /v1/flight` is no request; it is written like GET \
             /v1/flight/*/delete",
        ],
    );
}

#[test]
fn trusted_keys_are_public_keys_and_there_is_one() {
    let platform = "[[platforms]]\nname = \"b\"\nadapter = \"b.wasm\"\nendpoint = \"https://b.example\"\n";
    let good = "flightdeck-ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let cut = "flightdeck-ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUR";
    let private = "flightdeck-ed25519-private:nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
    let form = "`trusted_keys` must be the public key of a signer, like \"flightdeck-ed25519:…\": `flightdeck adapter keygen` prints it \
                and writes it to a file that ends in .pub";
    refused_in_house(
        &format!("{platform}trusted_keys = [¦\"{cut}\", \"{good}\", ¦\"keys/acme.pub\", ¦\"{private}\"]\n"),
        &[
            form,
            form,
            "`trusted_keys` must be a public key, and this is a private one; put the text of its .pub file here, and make a new key \
             if others could read this one",
        ],
    );
    refused_in_house(
        &format!("{platform}trusted_keys = ¦[]\n"),
        &[
            "`trusted_keys` is empty; name one public key at least, or leave it out to take adapters without a signature",
        ],
    );
    refused_in_house(
        &format!("{platform}trusted_keys = ¦\"{good}\"\n"),
        &["`trusted_keys` must be a list, like [\"…\"]"],
    );
}

#[test]
fn limits_are_checked_one_by_one() {
    refused_in_house(
        "[[platforms]]\nname = \"b\"\nadapter = \"b.wasm\"\nendpoint = \"https://b.example\"\n\
         limits = { memory = ¦\"2GiB\", cpu_time = ¦2, requests = ¦-1, ¦memry = 1 }\n",
        &[
            "`memory` must be at most \"1GiB\"",
            "`cpu_time` must be a duration with its unit (ms, s, m, h, d) in quotes, like \"30s\" or \"1h30m\"",
            "`requests` must be a whole number from 1 to 1000000",
            "`memry` is no key of `limits`; did you mean `memory`?",
        ],
    );
}

#[test]
fn a_principal_has_an_id_and_says_who_it_is_on_each_platform() {
    refused_in_house(
        "¦[[principals]]\nplatform_mappings = { acme = ¦\"1001\" }\n\
         [[principals]]\nid = ¦\"a b\"\nplatform_mappings = { acme = ¦{ ¦advertiser = 1 } }\n\
         [[principals]]\nid = \"c\"\nplatform_mappings = ¦\"1001\"\n",
        &[
            "[[principals]] needs `id`; add it, like id = \"demo-agency\"",
            "`acme` must say who the principal is there, like { advertiser_id = \"1001\" }",
            "`id` must be an id of letters, digits, `_`, `-` and `.`, at most 64, like \"agency-7\"",
            "the mapping for `acme` needs `advertiser_id`; add it, like advertiser_id = \"1001\"",
            "`advertiser` is no key of the mapping for `acme`; did you mean `advertiser_id`?",
            "`platform_mappings` must be a table, like platform_mappings = { acme = { advertiser_id = \"1001\" } }",
        ],
    );
}

#[test]
fn a_token_has_a_role_and_only_buyers_have_a_principal() {
    let good = "sha256 = \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"";
    refused_in_house(
        &format!(
            "[[tokens]]\nname = \"a\"\nrole = ¦\"byer\"\n{good}\n\n¦[[tokens]]\nname = \"b\"\nrole = \"buyer\"\n\
             secret = {{ env = \"KEY\" }}\n\n[[tokens]]\nname = \"c\"\nrole = \"operator\"\nprincipal = ¦\"agency\"\n\
             sha256 = ¦\"hunter2\"\nexpires = ¦\"soon\"\n"
        ),
        &[
            "`role` must be `buyer`, `reviewer` or `operator`; did you mean `buyer`?",
            "[[tokens]] needs `principal`; add it, like principal = \"demo-agency\"",
            "`principal` goes with the role `buyer` only; leave it out",
            "`sha256` must be the SHA-256 of the token: 64 hexadecimal digits (printf %s TOKEN | sha256sum)",
            "`expires` must be a date and time with an offset, like 2030-01-31T12:00:00Z, or a day, like 2030-01-31",
        ],
    );
}

#[test]
fn a_product_has_formats_and_a_price() {
    refused_in_house(
        "[[products]]\nid = \"a\"\nname = \"A\"\nplatform = \"acme\"\nformats = ¦[]\ncpm = ¦0\ncurrency = ¦\"Dollar\"\n\
         [[products]]\nid = \"b\"\nname = \"B\"\nplatform = \"acme\"\nformats = [¦\"vidoe\"]\ncpm = ¦\"12.50\"\n\
         review_lead = ¦48\nsettings = ¦{ a = inf }\n\
         [[products]]\nid = \"c\"\nname = \"C\"\nplatform = \"acme\"\nformats = ¦[\"image\", \"image\"]\ncpm = 10\n\
         floor_cpm = ¦10.01\n\
         [[products]]\nid = \"d\"\nname = \"D\"\nplatform = \"acme\"\nformats = [\"image\"]\ncpm = ¦1.2345678\n",
        &[
            "`formats` is empty; name one at least, like [\"image\"]",
            "`cpm` must be more than 0",
            "`currency` must be the three capital letters of a currency (ISO 4217), like \"USD\"",
            "`formats` must be `image`, `video`, `audio` or `custom`; did you mean `video`?",
            "`cpm` must be an amount without quotes and currency, like 12.50",
            "`review_lead` must be a duration with its unit (ms, s, m, h, d) in quotes, like \"30s\" or \"1h30m\"",
            "`settings` holds inf, which JSON has no number for",
            "`formats` has `image` twice; leave one out",
            "`floor_cpm` (10.01) must not be more than `cpm` (10): nobody could buy at the price",
            "`cpm` must have at most 6 decimal places",
        ],
    );
    refused_in_house(
        "¦¦¦¦¦[[products]]\n",
        &[
            "[[products]] needs `formats`; add it, like formats = [\"image\"]",
            "[[products]] needs `id`; add it, like id = \"premium_sports\"",
            "[[products]] needs `name`; add it, like name = \"Premium sports\"",
            "[[products]] needs `platform`; add it, like platform = \"acme\"",
            "[[products]] needs a price: `cpm`, `cpc`, `cpcv` or `flat_price`; add one, like cpm = 12.50",
        ],
    );
    refused_in_house(
        "[[products]]\nid = \"a\"\nname = \"A\"\nplatform = \"acme\"\nformats = [\"image\"]\ncpm = 10\ncpc = ¦0.8\n\
         flat_price = ¦¦\"a lot\"\n\
         [[products]]\nid = \"b\"\nname = \"B\"\nplatform = \"acme\"\nformats = [\"image\"]\ncpc = 0.8\nfloor_cpc = ¦0.9\n\
         floor_cpm = ¦5\n\
         ¦[[products]]\nid = \"c\"\nname = \"C\"\nplatform = \"acme\"\nformats = [\"image\"]\nfloor_cpcv = ¦5\n\
         [[products]]\nid = \"d\"\nname = \"D\"\nplatform = \"acme\"\nformats = [\"image\", \"video\"]\ncpcv = ¦0.05\n",
        &[
            "`cpc` can't be given together with `cpm`: a product has one price",
            "`flat_price` can't be given together with `cpm`: a product has one price",
            "`flat_price` must be an amount without quotes and currency, like 12.50",
            "`floor_cpc` (0.9) must not be more than `cpc` (0.8): nobody could buy at the price",
            "`floor_cpm` is the floor of `cpm`, which this product does not have: its price is `cpc`, and its floor `floor_cpc`",
            "[[products]] needs a price: `cpm`, `cpc`, `cpcv` or `flat_price`; add one, like cpm = 12.50",
            "`floor_cpcv` is the floor of `cpcv`, which this product does not have: add `cpcv`, or leave it out",
            "`cpcv` pays for videos and audios that are played to their end, and `formats` has `image`; leave that out, or \
             sell it by `cpm` or `cpc`",
        ],
    );
}

#[test]
fn an_approval_rule_names_what_there_is() {
    refused_in_house(
        "[[approvals]]\noperations = [¦\"create\"]\nabove_budget = ¦-1\nreviewers = ¦11\npriority = ¦\"hihg\"\ndue_in = ¦\"0s\"\n\
         principals = ¦[]\ngrows = ¦\"yes\"\nraises_budget_by = ¦0\n",
        &[
            "`operations` must be `create_media_buy`, `add_creative_assets`, `update_media_buy`, `update_package` or \
             `update_media_buy_performance_index`",
            "`above_budget` must not be negative",
            "`reviewers` must be a whole number from 0 to 10",
            "`priority` must be `low`, `medium`, `high` or `urgent`; did you mean `high`?",
            "`due_in` must be more than 0",
            "`principals` is empty; leave it out for all of them",
            "`grows` must be true or false, without quotes",
            "`raises_budget_by` must be more than 0",
        ],
    );
}

#[test]
fn a_person_has_a_name_that_is_not_the_hosts() {
    let token = "role = \"operator\"\nsecret = { env = \"KEY\" }\n";
    refused_in_house(
        &format!("[[tokens]]\nname = \"a\"\nperson = ¦\"flightdeck\"\n{token}"),
        &["`person` must not be what the audit log calls the host itself: flightdeck, or command line"],
    );
}
