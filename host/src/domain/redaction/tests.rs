use proptest::prelude::*;

use super::*;

#[test]
fn what_is_the_publishers_business_is_taken_out() {
    for (text, plain) in [
        ("answered 503 to GET http://127.0.0.1:9100/v1/campaigns: busy", "answered 503 to GET [withheld]: busy"),
        ("see https://ads.internal/help?x=1, then retry.", "see [withheld], then retry."),
        ("(https://api.acme.example)", "([withheld])"),
        ("url=http://x host=10.0.0.7", "[withheld] [withheld]"),
        ("upstream api.acme.co is down.", "upstream [withheld] is down."),
        ("acme.co refused", "[withheld] refused"),
        ("10.0.0.7 and 10.0.0.7:8080 and [::1]:80", "[withheld] and [withheld] and [[withheld]]:80"),
        ("connect to emulator:9100 or localhost", "connect to [withheld] or [withheld]"),
        ("not found: networks/21700001/orders/7", "not found: [withheld]"),
        ("no route /v1/flight/12 here", "no route [withheld] here"),
        ("lineItems/7 is gone", "[withheld] is gone"),
        ("v1/flight is gone", "[withheld] is gone"),
        (r"at C:\inetpub\Api.cs", "at [withheld]"),
        ("at com.acme.Foo.bar", "at [withheld]"),
        ("ask ops@acme.example", "ask [withheld]"),
        (r#"It said: {"error":{"code":1}}"#, "It said: [withheld]"),
        (r#"[{"a":1}]"#, "[withheld]"),
        ("<html><body>Found</body></html>", "[withheld]"),
        ("it refused. It said: <!DOCTYPE html>", "it refused. It said: [withheld]"),
    ] {
        assert_eq!(without_addresses(text), plain);
        assert_eq!(without_addresses(plain), plain, "once is enough");
    }
}

#[test]
fn what_a_buyer_needs_stays_as_it_is() {
    for text in [
        "Acme refused: end_date: must not be in the past",
        "Price is wrong: 12.50 is below 15.00 USD, i.e. the floor; and/or pay more!",
        "takes image/png and 300x250 from 2026-12-01T00:00:00Z to 2026/12/31, 24/7",
        "requests[1]: line_item.display_name: at most 255 characters",
        "The creative is too long (30.5 s of 15 s): cut it, e.g. to 15 s.",
        "budget < 100 or > 5",
        "Größe 1.5 MB… «zu groß»",
        "QuotaError.EXCEEDED_QUOTA",
        "version 1.2.3",
        "at 10:30, ratio 16:9",
    ] {
        assert_eq!(without_addresses(text), text);
        assert!(says_something(text));
    }
    for nothing in ["", "[withheld]", " [withheld]: [withheld]. ", "400", "{}"] {
        assert!(!says_something(&without_addresses(nothing)), "{nothing}");
    }
}

proptest! {
    #[test]
    fn no_address_path_or_body_is_left(
        before in "[a-zA-Z ]{0,12}",
        separator in "[ (\",;]",
        secret in prop_oneof![
            "https?://[a-z]{1,8}(\\.[a-z]{2,5}){0,2}(:[0-9]{2,5})?(/[a-zA-Z0-9]{1,8}){0,3}",
            "[a-z]{2,8}\\.[a-z]{2,8}\\.(com|internal|example)(:[0-9]{2,5})?",
            "[a-z]{2,8}\\.(com|net|org|io|co|internal|local)",
            "(/[a-z][a-z0-9]{2,8}){1,4}",
            "networks/[0-9]{3,8}/[a-z]{3,8}/[0-9]{1,8}",
            "[1-9][0-9]{0,2}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}(:[0-9]{2,5})?",
            "\\{\"[a-z]{1,8}\":\"[a-z]{1,8}\"\\}",
            "<[a-z]{1,8}>[a-z]{1,8}</[a-z]{1,8}>",
        ],
        after in "[.,:;!)]? [a-zA-Z ]{0,12}",
    ) {
        let plain = without_addresses(&format!("{before}{separator}{secret}{after}"));
        prop_assert!(!plain.contains(&secret), "{}", plain);
        prop_assert!(!plain.contains("://"), "{}", plain);
        prop_assert!(plain.contains(WITHHELD));
        prop_assert!(plain.starts_with(&before));
    }

    #[test]
    fn any_text_is_taken(text in any::<String>()) {
        let plain = without_addresses(&text);
        prop_assert_eq!(without_addresses(&plain), plain);
    }
}
