/* Limits: who a request comes from behind proxies, throttled logins, connections, the clock that erasure trusts. */
#include "unit.h"

#include "http/core/connections.h"
#include "http/core/login_throttle.h"
#include "http/ops/clock_guard.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_storage peer(const char *text) {
  struct sockaddr_storage out = {0};
  struct sockaddr_in *v4 = (void *)&out;
  struct sockaddr_in6 *v6 = (void *)&out;
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    out.ss_family = AF_INET;
  } else {
    assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
    out.ss_family = AF_INET6;
  }
  return out;
}

static sb_http_address address(const char *text) {
  struct sockaddr_storage at = peer(text);
  return sb_http_address_of((const struct sockaddr *)&at);
}

static void only_a_trusted_proxy_may_say_who_the_client_is(void **state) {
  (void)state;
  static const struct {
    const char *peer, *forwarded, *client;
  } rows[] = {
      {"10.1.2.3", "192.0.2.7", "192.0.2.7"},
      {"10.1.2.3", "203.0.113.9, 192.0.2.7", "192.0.2.7"},
      {"10.1.2.3", "203.0.113.9, 192.0.2.7,10.9.9.9 , fd00::5", "192.0.2.7"},
      {"::ffff:10.1.2.3", "192.0.2.7:5000", "192.0.2.7"},
      {"fd00::1", "[2001:db8::7]:5000", "2001:db8::7"},
      {"10.1.2.3", "2001:db8::7", "2001:db8::7"},
      {"10.1.2.3", "10.1.1.1", "10.1.1.1"},
      {"10.1.2.3", "192.0.2.7, unknown", "10.1.2.3"},
      {"10.1.2.3", "", "10.1.2.3"},
      {"10.1.2.3", NULL, "10.1.2.3"},
      {"11.1.2.3", "192.0.2.7", "11.1.2.3"},
      {"fc00::1", "192.0.2.7", "fc00::1"},
  };
  sb_http_proxies proxies = {.count = 0};
  assert_int_equal(sb_http_proxies_read(&proxies, "10.0.0.0/8,fd00::/8,127.0.0.1", NULL), SB_OK);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const sb_http_address got = sb_http_address_forwarded(&proxies, address(rows[i].peer), rows[i].forwarded);
    const sb_http_address wanted = address(rows[i].client);
    if (memcmp(&got, &wanted, sizeof got)) fail_msg("row %zu", i);
  }
  static const char *const wrong[] = {"desk", "10.0.0.0/33", "fd00::/129", "10.0.0.0/", "/8", "10.0.0.0/8x", "*"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    sb_http_proxies none = {.count = 0};
    assert_int_equal(sb_http_proxies_read(&none, wrong[i], NULL), SB_INVALID);
  }
}

static void tries_at_once_are_no_more_than_one_after_the_other(void **state) {
  (void)state;
  sb_http_login_throttle *throttle = NULL;
  const sb_http_address one = address("192.0.2.1");
  assert_int_equal(sb_http_login_throttle_new(&throttle, NULL), SB_OK);
  assert_int_equal(sb_http_login_throttle_begin(throttle, &one), 0);
  assert_int_equal(sb_http_login_throttle_begin(throttle, &one), 0);
  assert_int_not_equal(sb_http_login_throttle_begin(throttle, &one), 0); /* two are being checked */
  sb_http_login_throttle_end(throttle, &one, false);
  sb_http_login_throttle_end(throttle, &one, false);
  assert_int_equal(sb_http_login_throttle_begin(throttle, &one), 0);
  sb_http_login_throttle_end(throttle, &one, false);
  assert_int_not_equal(sb_http_login_throttle_begin(throttle, &one), 0);
  sb_http_login_throttle_free(throttle);
}

static void many_addresses_have_the_tries_of_the_account_and_do_not_keep_out_an_admin_who_is_known(void **state) {
  (void)state;
  sb_http_login_throttle *throttle = NULL;
  char text[32];
  const sb_http_address admin = address("198.51.100.1");
  size_t tried = 0;
  assert_int_equal(sb_http_login_throttle_new(&throttle, NULL), SB_OK);
  assert_int_equal(sb_http_login_throttle_begin(throttle, &admin), 0);
  sb_http_login_throttle_end(throttle, &admin, true);
  for (int i = 0; i < 200; i++) {
    snprintf(text, sizeof text, "203.0.113.%d", i);
    const sb_http_address stranger = address(text);
    if (sb_http_login_throttle_begin(throttle, &stranger)) continue;
    tried++;
    sb_http_login_throttle_end(throttle, &stranger, false);
  }
  assert_in_range(tried, 30, 40);
  assert_int_equal(sb_http_login_throttle_begin(throttle, &admin), 0);
  sb_http_login_throttle_end(throttle, &admin, true);
  sb_http_login_throttle_free(throttle);
}

static sb_http_connections *connections(size_t most, double header_ms, const sb_http_proxies *proxies) {
  sb_http_connections *made = NULL;
  assert_int_equal(sb_http_connections_new(most, header_ms, proxies, &made, NULL), SB_OK);
  return made;
}

static void one_address_does_not_take_the_places_of_others(void **state) {
  (void)state;
  sb_http_proxies proxies = {.count = 0};
  assert_int_equal(sb_http_proxies_read(&proxies, "10.0.0.1", NULL), SB_OK);
  sb_http_connections *open = connections(3, 60000, &proxies);
  struct sockaddr_storage many = peer("2001:db8:0:1::5"), same = peer("2001:db8:0:1::6"),
                          other = peer("2001:db8:0:2::5"), proxy = peer("10.0.0.1");
  sb_http_connection *made[8];
  for (int i = 0; i < 3; i++) made[i] = sb_http_connections_begin(open, (struct sockaddr *)&many, -1);
  assert_false(sb_http_connections_may_begin(open, (struct sockaddr *)&same)); /* the same /64 */
  assert_true(sb_http_connections_may_begin(open, (struct sockaddr *)&other));
  for (int i = 3; i < 8; i++) made[i] = sb_http_connections_begin(open, (struct sockaddr *)&proxy, -1);
  assert_true(sb_http_connections_may_begin(open, (struct sockaddr *)&proxy));
  sb_http_connections_end(open, made[1]);
  assert_true(sb_http_connections_may_begin(open, (struct sockaddr *)&many));
  for (int i = 0; i < 8; i++)
    if (i != 1) sb_http_connections_end(open, made[i]);
  sb_http_connections_free(open);
}

static void headers_that_trickle_end_the_connection_and_a_request_in_work_does_not(void **state) {
  (void)state;
  sb_http_proxies none = {.count = 0};
  sb_http_connections *open = connections(0, 100, &none);
  struct sockaddr_storage at = peer("192.0.2.1");
  int slow[2], busy[2];
  assert_false(socketpair(AF_UNIX, SOCK_STREAM, 0, slow) || socketpair(AF_UNIX, SOCK_STREAM, 0, busy));
  sb_http_connection *first = sb_http_connections_begin(open, (struct sockaddr *)&at, slow[0]);
  sb_http_connection *second = sb_http_connections_begin(open, (struct sockaddr *)&at, busy[0]);
  sb_http_connections_wait(open, second, false);
  struct pollfd ended = {.fd = slow[1], .events = POLLIN}, goes_on = {.fd = busy[1], .events = POLLIN};
  assert_int_equal(poll(&ended, 1, 60000), 1);
  char byte;
  assert_int_equal(recv(slow[1], &byte, 1, 0), 0);
  assert_int_equal(poll(&goes_on, 1, 0), 0);
  sb_http_connections_wait(open, second, true); /* the answer was sent */
  assert_int_equal(poll(&goes_on, 1, 60000), 1);
  sb_http_connections_end(open, first);
  sb_http_connections_end(open, second);
  sb_http_connections_free(open);
  for (int i = 0; i < 2; i++) close(slow[i]), close(busy[i]);
}

static void a_clock_that_is_far_ahead_erases_nobody_for_a_day(void **state) {
  (void)state;
  enum { DAY = 86400000 };
  const int64_t now = 1800000000000, year = 365LL * DAY;
  sb_http_clock_guard usual = {0};
  assert_true(sb_http_clock_guard_trusts(&usual, now, 1000, now - 2 * DAY));
  assert_true(sb_http_clock_guard_trusts(&usual, now + 60000, 61000, 0));
  assert_true(sb_http_clock_guard_trusts(&usual, now + 10 * (int64_t)DAY, 10.0 * DAY, 0)); /* it was suspended */
  assert_false(sb_http_clock_guard_trusts(&usual, now + year, 10.0 * DAY + 60000, 0));
  assert_false(sb_http_clock_guard_trusts(&usual, now + year + DAY / 2, 10.5 * DAY, 0));
  sb_http_clock_guard corrected = usual;
  assert_true(sb_http_clock_guard_trusts(&corrected, now + 10 * (int64_t)DAY + DAY / 2, 10.5 * DAY + 60000, 0));
  assert_true(sb_http_clock_guard_trusts(&usual, now + year + 2 * DAY, 12.0 * DAY, 0)); /* it is right, after all */
  sb_http_clock_guard restarted = {0}, empty = {0};
  assert_false(sb_http_clock_guard_trusts(&restarted, now + year, 1000, now));
  assert_true(sb_http_clock_guard_trusts(&empty, now + year, 1000, 0));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_a_trusted_proxy_may_say_who_the_client_is),
      cmocka_unit_test(tries_at_once_are_no_more_than_one_after_the_other),
      cmocka_unit_test(many_addresses_have_the_tries_of_the_account_and_do_not_keep_out_an_admin_who_is_known),
      cmocka_unit_test(one_address_does_not_take_the_places_of_others),
      cmocka_unit_test(a_clock_that_is_far_ahead_erases_nobody_for_a_day),
      cmocka_unit_test(headers_that_trickle_end_the_connection_and_a_request_in_work_does_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
