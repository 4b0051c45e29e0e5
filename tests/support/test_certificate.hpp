#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace sluice::test {

struct openssl_free {
  void operator()(X509* x) const { X509_free(x); }
  void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
  void operator()(BIO* x) const { BIO_free(x); }
};

/// A certificate and its key, made for one test.
class test_certificate {
public:
  /// An authority of its own.
  static test_certificate authority(const std::string& name) {
    return {name, nullptr, "critical,CA:TRUE", ""};
  }
  /// For the host `name`, signed by `issuer`.
  static test_certificate host(const std::string& name, const test_certificate& issuer) {
    return {name, &issuer, "CA:FALSE", "DNS:" + name};
  }

  std::string certificate_pem() const {
    bio to{BIO_new(BIO_s_mem())};
    PEM_write_bio_X509(to.get(), certificate_.get());
    return text_of(to);
  }
  std::string key_pem() const {
    bio to{BIO_new(BIO_s_mem())};
    PEM_write_bio_PrivateKey(to.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return text_of(to);
  }

private:
  using bio = std::unique_ptr<BIO, openssl_free>;

  test_certificate(const std::string& name, const test_certificate* issuer, const char* constraints,
                   const std::string& alternative)
      : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    auto* x = certificate_.get();
    static long serial = 0;
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    constexpr long day = 24 * 60 * 60; // in seconds; either way, for clocks that differ
    X509_gmtime_adj(X509_getm_notBefore(x), -day);
    X509_gmtime_adj(X509_getm_notAfter(x), day);
    X509_set_pubkey(x, key_.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    auto& signer = issuer ? *issuer : *this;
    X509_set_issuer_name(x, X509_get_subject_name(signer.certificate_.get()));
    extend(NID_basic_constraints, constraints);
    if (!alternative.empty())
      extend(NID_subject_alt_name, alternative.c_str());
    X509_sign(x, signer.key_.get(), EVP_sha256());
  }

  void extend(int nid, const char* value) {
    auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    X509_add_ext(certificate_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }

  static std::string text_of(const bio& from) {
    char* data = nullptr;
    auto size = BIO_get_mem_data(from.get(), &data);
    return {data, static_cast<size_t>(size)};
  }

  std::unique_ptr<EVP_PKEY, openssl_free> key_;
  std::unique_ptr<X509, openssl_free> certificate_;
};

} // namespace sluice::test
