/* Which addresses a webhook may be sent to. */
#include "unit.h"

#include "webhook/address.h"

#include <arpa/inet.h>

static bool is_public(const char *text) {
  struct sockaddr_in four = {.sin_family = AF_INET};
  struct sockaddr_in6 six = {.sin6_family = AF_INET6};
  if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
    return sb_webhook_address_is_public((const struct sockaddr *)(const void *)&four);
  assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
  return sb_webhook_address_is_public((const struct sockaddr *)(const void *)&six);
}

static void addresses_of_the_internet_are_public(void **state) {
  static const char *const all[] = {"1.1.1.1",       "9.255.255.255",   "11.0.0.0",         "100.63.255.255",
                                    "100.128.0.0",   "126.255.255.255", "128.0.0.0",        "169.253.255.255",
                                    "169.255.0.0",   "172.15.255.255",  "172.32.0.0",       "192.167.255.255",
                                    "192.169.0.0",   "198.17.255.255",  "198.20.0.0",       "223.255.255.255",
                                    "2606:4700::11", "2001:4860::88",   "64:ff9b::101:101", "::ffff:1.1.1.1"};
  (void)state;
  for (size_t i = 0; i < count_of(all); i++)
    if (!is_public(all[i])) fail_msg("%s is refused", all[i]);
}

static void addresses_of_this_machine_of_private_networks_and_their_disguises_are_not(void **state) {
  static const char *const all[] = {"0.0.0.0",
                                    "10.0.0.0",
                                    "10.255.255.255",
                                    "100.64.0.0",
                                    "100.127.255.255",
                                    "127.0.0.1",
                                    "127.255.0.1",
                                    "169.254.0.0",
                                    "169.254.169.254",
                                    "172.16.0.0",
                                    "172.31.255.255",
                                    "192.0.0.1",
                                    "192.0.2.1",
                                    "192.168.0.0",
                                    "192.168.255.255",
                                    "198.18.0.0",
                                    "198.19.255.255",
                                    "198.51.100.7",
                                    "203.0.113.9",
                                    "224.0.0.1",
                                    "239.255.255.255",
                                    "240.0.0.1",
                                    "255.255.255.255",
                                    "::",
                                    "::1",
                                    "::127.0.0.1",
                                    "::ffff:127.0.0.1",
                                    "::ffff:10.0.0.1",
                                    "::ffff:169.254.169.254",
                                    "fe80::1",
                                    "febf::1",
                                    "fc00::1",
                                    "fdff::1",
                                    "ff02::1",
                                    "fec0::1",
                                    "100::1",
                                    "2001::1",
                                    "2001:1ff::1",
                                    "2001:db8::1",
                                    "2002:7f00:1::",
                                    "2002:a00:1::",
                                    "3fff::1",
                                    "3fff:fff::1",
                                    "64:ff9b::7f00:1",
                                    "64:ff9b::a9fe:a9fe",
                                    "64:ff9b:1::1",
                                    "4000::1",
                                    "1fff::1"};
  (void)state;
  for (size_t i = 0; i < count_of(all); i++)
    if (is_public(all[i])) fail_msg("%s is allowed", all[i]);
  assert_false(sb_webhook_address_is_public(&(struct sockaddr){.sa_family = AF_UNIX}));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(addresses_of_the_internet_are_public),
      cmocka_unit_test(addresses_of_this_machine_of_private_networks_and_their_disguises_are_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
