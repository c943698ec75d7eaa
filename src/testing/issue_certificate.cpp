#include "testing/issue_certificate.hpp"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <cstdint>
#include <stdexcept>

namespace regolo::inline v0::testing {

namespace {

void require(bool ok, const char* what)
{
    if (!ok)
        throw std::runtime_error(std::string("cannot make a certificate: ") + what);
}

std::shared_ptr<EVP_PKEY> make_key(unsigned rsa_bits)
{
    EVP_PKEY* const made = rsa_bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(rsa_bits);
    require(made != nullptr, "key");
    return {made, EVP_PKEY_free};
}

std::shared_ptr<BIO> memory() { return {BIO_new(BIO_s_mem()), BIO_free_all}; }

std::string text_of(BIO* bio)
{
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

void set_serial(X509* certificate)
{
    std::uint32_t serial = 0;
    require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1,
            "RAND_bytes");
    require(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) == 1, "serial");
}

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::shared_ptr<X509_EXTENSION> extension(
        X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()), X509_EXTENSION_free);
    require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1,
            value.c_str());
}

}  // namespace

std::string issued::pem() const
{
    const auto bio = memory();
    require(PEM_write_bio_X509(bio.get(), certificate()) == 1, "PEM_write_bio_X509");
    return text_of(bio.get());
}

std::string issued::key_pem() const
{
    const auto bio = memory();
    require(PEM_write_bio_PrivateKey(bio.get(), key(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
            "PEM_write_bio_PrivateKey");
    return text_of(bio.get());
}

issued issue(const certificate_plan& what, const issued* issuer)
{
    issued made(std::shared_ptr<X509>(X509_new(), X509_free), make_key(what.rsa_bits));
    X509* const certificate = made.certificate();
    require(certificate != nullptr && X509_set_version(certificate, X509_VERSION_3) == 1,
            "X509_new");
    set_serial(certificate);
    X509_NAME* name = X509_get_subject_name(certificate);
    const auto* text = reinterpret_cast<const unsigned char*>(what.common_name.c_str());
    require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1, "subject");
    const issued& parent = issuer != nullptr ? *issuer : made;
    require(X509_set_issuer_name(certificate, X509_get_subject_name(parent.certificate())) == 1,
            "issuer");
    X509_gmtime_adj(X509_getm_notBefore(certificate), what.valid_from);
    X509_gmtime_adj(X509_getm_notAfter(certificate), what.valid_until);
    require(X509_set_pubkey(certificate, made.key()) == 1, "public key");
    for (const auto& [id, value] : what.extensions)
        add_extension(certificate, parent.certificate(), id, value);
    require(X509_sign(certificate, parent.key(), what.digest) > 0, "X509_sign");
    return made;
}

}  // namespace regolo::inline v0::testing
