//! Names: each is defined once, and every reference has a definition.

use super::{HOUSE, refused, refused_in_house, warned};

const PRODUCT: &str = "[[products]]\nid = \"a\"\nname = \"A\"\nformats = [\"image\"]\ncpm = 1\n";

#[test]
fn what_is_named_must_be_configured() {
    refused_in_house(
        &format!(
            "{PRODUCT}platform = ¦\"acne\"\n[[tokens]]\nname = \"t\"\nrole = \"buyer\"\nprincipal = ¦\"brand\"\n\
             secret = {{ env = \"KEY\" }}\n[[principals]]\nid = \"p\"\nplatform_mappings = {{ ¦zenith = {{ advertiser_id = 1 }} }}\n\
             [[approvals]]\nprincipals = [\"agency\", ¦\"nobody\"]\nplatforms = [¦\"acmee\"]\n"
        ),
        &[
            "there is no platform `acne`; did you mean `acme`?",
            "there is no principal `brand`; known: `agency` or `p`",
            "there is no platform `zenith`; known: `acme`",
            "there is no principal `nobody`; known: `agency` or `p`",
            "there is no platform `acmee`; did you mean `acme`?",
        ],
    );
    refused(
        &format!("[publisher]\nname = \"x\"\ncurrency = \"USD\"\n{PRODUCT}platform = ¦\"acme\"\n"),
        &["there is no platform `acme`; none is configured"],
    );
}

#[test]
fn what_is_named_twice_is_refused_at_the_second_place() {
    let token = |name: &str| format!("[[tokens]]\nname = {name}\nrole = \"operator\"\n");
    refused_in_house(
        &format!(
            "[[platforms]]\nname = ¦\"acme\"\nadapter = \"a.wasm\"\nendpoint = \"https://a.example\"\n\
             [[principals]]\nid = ¦\"agency\"\nplatform_mappings = {{}}\n\
             {PRODUCT}platform = \"acme\"\n{}platform = \"acme\"\n\
             {}secret = {{ env = \"KEY\" }}\n{}secret = ¦{{ value = \"the-key-in-the-environment\" }}\n",
            PRODUCT.replace("id = ", "id = ¦"),
            token("\"t\""),
            token("¦\"t\""),
        ),
        &[
            "there is a platform `acme` on line 7 already; choose another name",
            "there is a principal `agency` on line 12 already; choose another name",
            "there is a product `a` on line 23 already; choose another name",
            "there is a token `t` on line 35 already; choose another name",
            "the token of line 37 has the same secret; give each its own",
        ],
    );
}

#[test]
fn a_principal_that_can_buy_nothing_is_warned_of() {
    warned(
        &format!("{HOUSE}\n¦[[principals]]\nid = \"lonely\"\n"),
        &[
            "this principal has no `platform_mappings` and can buy nothing; add them, like platform_mappings = { acme = \
           { advertiser_id = \"1001\" } }",
        ],
    );
}
