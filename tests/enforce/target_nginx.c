/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "alert/redis_url.h"
#include "target_nginx.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
        char folder[64], file[96], script[96], noted[96];
};

static void make_place(struct place *p)
{
        strcpy(p->folder, "/tmp/trawl-enforce-XXXXXX");
        assert_non_null(mkdtemp(p->folder));
        snprintf(p->file, sizeof(p->file), "%s/blocked.conf", p->folder);
        snprintf(p->script, sizeof(p->script), "%s/reload", p->folder);
        snprintf(p->noted, sizeof(p->noted), "%s/noted", p->folder);
}

static void remove_place(struct place *p)
{
        unlink(p->file);
        unlink(p->script);
        unlink(p->noted);
        assert_int_equal(rmdir(p->folder), 0);
}

static void write_script(struct place *p, const char *body)
{
        FILE *f = fopen(p->script, "w");

        assert_non_null(f);
        fprintf(f, "#!/bin/sh\ncd %s\n%s\n", p->folder, body);
        fclose(f);
        chmod(p->script, 0755);
}

static void read_file(const char *path, char text[512])
{
        FILE *f = fopen(path, "r");

        assert_non_null(f);
        text[fread(text, 1, 511, f)] = 0;
        fclose(f);
}

static enum target_result put(struct target_nginx *t, const char *member,
                              char why[TARGET_WHY_MAX])
{
        struct subject s;

        target_nginx_kind.begin(t, true);
        assert_int_equal(subject_parse(slice_str(member), &s), SUBJECT_GOOD);
        target_nginx_kind.add(t, &s, 1000);
        return target_nginx_kind.commit(t, why);
}

static void test_lines_and_reload(void **state)
{
        struct place p;
        char why[TARGET_WHY_MAX], text[512];

        (void)state;
        make_place(&p);
        setenv(REDIS_PASSWORD_VARIABLE, "secret", 1);
        write_script(&p, "{ echo \"$# $1 ${" REDIS_PASSWORD_VARIABLE
                         "-none}\"; grep -c ' 1;' blocked.conf; } > noted");
        strcat(p.script, " a;b");
        struct target_nginx *t = target_nginx_open(p.file, p.script, NGINX_RELOAD_TIME);
        assert_int_equal(put(t, "prefix:2001:db8::/64", why), TARGET_OK);
        read_file(p.file, text);
        assert_non_null(strstr(text, "\n2001:db8::/64 1;\n"));
        read_file(p.noted, text);
        assert_string_equal(text, "1 a;b none\n1\n");
        assert_int_equal(put(t, "ip:203.0.113.9", why), TARGET_OK);
        read_file(p.file, text);
        assert_non_null(strstr(text, "\n203.0.113.9 1;\n"));
        assert_null(strstr(text, "2001"));
        assert_int_equal(target_nginx_kind.check(t, why), TARGET_OK);
        unlink(p.file);
        assert_int_equal(target_nginx_kind.check(t, why), TARGET_LOST);
        target_nginx_close(&t);
        unsetenv(REDIS_PASSWORD_VARIABLE);
        *strchr(p.script, ' ') = 0;
        remove_place(&p);
}

static void test_failing_reload_says_why(void **state)
{
        struct place p;
        char why[TARGET_WHY_MAX];

        (void)state;
        make_place(&p);
        write_script(&p, "echo first; echo 'the last \033[1m line'; echo; exit 1");
        struct target_nginx *t = target_nginx_open(p.file, p.script, NGINX_RELOAD_TIME);
        assert_int_equal(put(t, "ip:203.0.113.9", why), TARGET_FAILED);
        assert_non_null(strstr(why, "failed: the last ?[1m line"));
        target_nginx_close(&t);
        t = target_nginx_open(p.file, "/nonexistent/nginx -s reload", NGINX_RELOAD_TIME);
        assert_int_equal(put(t, "ip:203.0.113.9", why), TARGET_FAILED);
        assert_non_null(strstr(why, "No such file"));
        target_nginx_close(&t);
        remove_place(&p);
}

/* It closes its output and stays: what it says of itself is no reason to wait for ever.
 */
static void test_reload_that_does_not_end(void **state)
{
        struct place p;
        char why[TARGET_WHY_MAX];

        (void)state;
        make_place(&p);
        write_script(&p, "exec 1>&- 2>&-; exec sleep 600");
        struct target_nginx *t = target_nginx_open(p.file, p.script, NS_PER_SEC / 5);
        assert_int_equal(put(t, "ip:203.0.113.9", why), TARGET_FAILED);
        assert_non_null(strstr(why, "did not end in time"));
        write_script(&p, "exec 1>&- 2>&-; exec true");
        target_nginx_close(&t);
        t = target_nginx_open(p.file, p.script, NGINX_RELOAD_TIME);
        assert_int_equal(put(t, "ip:203.0.113.9", why), TARGET_OK);
        target_nginx_close(&t);
        remove_place(&p);
}

/* A link that lies where the new file is written is not followed. */
static void test_link(void **state)
{
        struct place p;
        char why[TARGET_WHY_MAX], beside[128];

        (void)state;
        make_place(&p);
        snprintf(beside, sizeof(beside), "%s.new", p.file);
        assert_int_equal(symlink(p.noted, beside), 0);
        struct target_nginx *t = target_nginx_open(p.file, "true", NGINX_RELOAD_TIME);
        assert_int_equal(put(t, "ip:203.0.113.9", why), TARGET_OK);
        assert_int_not_equal(access(p.noted, F_OK), 0);
        assert_int_equal(access(p.file, F_OK), 0);
        target_nginx_close(&t);
        t = target_nginx_open("/nonexistent/blocked.conf", "true", NGINX_RELOAD_TIME);
        assert_int_equal(put(t, "ip:203.0.113.9", why), TARGET_FAILED);
        assert_non_null(strstr(why, "/nonexistent/blocked.conf cannot be written"));
        target_nginx_close(&t);
        assert_null(target_nginx_open(p.file, "  ", NGINX_RELOAD_TIME));
        remove_place(&p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines_and_reload),
                cmocka_unit_test(test_failing_reload_says_why),
                cmocka_unit_test(test_reload_that_does_not_end),
                cmocka_unit_test(test_link),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
