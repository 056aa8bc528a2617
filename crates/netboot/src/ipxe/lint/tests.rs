//! Scripts, and everything that is wrong with each.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(script: &str, expected: &[&str]) {
    let problems: Vec<_> = lint(script).iter().map(ToString::to_string).collect();
    assert_eq!(problems, expected, "{script}");
}

#[test]
fn a_script_that_works_has_no_problem() {
    check(
        "#!ipxe\n\
         # by hand\n\
         set base http://10.0.0.1:8080 || shell\n\
         :retry\n\
         dhcp --timeout 5000 || goto retry # until it answers\n\
         isset ${net0/mac} && set mac ${net0/mac:hexhyp} ; set n:int8 1\n\
         menu Boot what?\n\
         item --key l local Local disk\n\
         choose target && goto ${target}\n\
         :local exit 1\n\
         kernel --name linux \\\n  ${base}/kernel ds=nocloud;s=${base}/ \"quoted\"\n\
         initrd ${base}/initrd ||\n\
         boot\n",
        &[],
    );
    check("#!ipxe\r\nkernel http://a/k\r\nboot\r\n", &[]);
}

#[test]
fn what_is_wrong_is_told_by_line() {
    check("", &["line 1: a script starts with a line `#!ipxe`"]);
    check("#!ipxe", &["line 1: a script starts with a line `#!ipxe`"]);
    check(
        "\n#!ipxe\nboot\n",
        &["line 1: a script starts with a line `#!ipxe`"],
    );
    check(
        "#!ipxe\nkernal http://a/k\n",
        &["line 2: \"kernal\" is no command of iPXE"],
    );
    check(
        "#!ipxe\nkernel\nchain --autofree\niseq a\n",
        &[
            "line 2: kernel needs 1 argument(s), and has 0",
            "line 3: chain needs 1 argument(s), and has 0",
            "line 4: iseq needs 2 argument(s), and has 1",
        ],
    );
    check(
        "#!ipxe\ndhcp || goto retry\n:retrz\n",
        &["line 2: there is no label :retry"],
    );
    check(
        "#!ipxe\n:a\ngoto a\n:a\n",
        &["line 4: the label :a is on line 2 already, where every goto ends up"],
    );
    check(
        "#!ipxe\nchain http://a/b|| shell\n",
        &[
            "line 2: || is part of a word; iPXE takes it for an operator only with white space \
             around it",
        ],
    );
    check(
        "#!ipxe\nkernel \\\n http://a/${net0/mac k\nboot",
        &["line 2: `${` has no `}` in the same word, so iPXE does not expand it"],
    );
}

#[test]
fn what_a_template_makes_is_not_judged() {
    check(
        "#!ipxe\n\
         {# which\n   one #}\n\
         {% if hostname %}set hostname {{ hostname }}{% endif %}\n\
         kernel {{ kernel_url }} {{ kernel_args }}\n\
         {% for url in initrd_urls %}initrd {{ url }}\n{% endfor %}\n\
         goto {{ target }}\n\
         {{ command }} x\n\
         :{{ label }}\n\
         goto anywhere\n\
         set x ${net0/mac}\n\
         bot\n",
        &["line 13: \"bot\" is no command of iPXE"],
    );
}

#[test]
fn no_problem_shows_an_argument() {
    let script = "#!ipxe\nkernel http://a/k token=canary|| ${canary\nfoo canary\n";
    let problems = lint(script);
    assert_eq!(problems.len(), 3);
    for problem in problems {
        assert!(!problem.to_string().contains("canary"), "{problem}");
    }
}

#[test]
fn the_commands_are_in_order() {
    assert!(COMMANDS.is_sorted());
}

proptest! {
    #[test]
    fn no_script_panics_and_every_problem_is_on_a_line_of_it(
        script in "(#!ipxe\n)?([a-z]{1,6}|[ \\\\\n\r:;#|&{}%$]|kernel |goto |\\{\\{|\\}\\}|é){0,40}",
    ) {
        let lines = script.split('\n').count();
        for problem in lint(&script) {
            prop_assert!((1..=lines).contains(&problem.line), "{}", problem);
        }
    }
}
