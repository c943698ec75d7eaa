#include "testing/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

namespace regolo::inline v0::testing {

namespace {

template <auto Free>
struct deleter
{
    template <class T>
    void operator()(T* object) const noexcept
    {
        Free(object);
    }
};

using key_ptr = std::unique_ptr<EVP_PKEY, deleter<EVP_PKEY_free>>;
using x509_ptr = std::unique_ptr<X509, deleter<X509_free>>;
using bio_ptr = std::unique_ptr<BIO, deleter<BIO_free_all>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, deleter<X509_EXTENSION_free>>;

constexpr long day = 24L * 60 * 60;

void require(bool ok, const char* what)
{
    if (!ok)
        throw std::runtime_error(std::string("cannot make a certificate: ") + what);
}

key_ptr make_key()
{
    key_ptr key(EVP_EC_gen("P-256"));
    require(key != nullptr, "EVP_EC_gen");
    return key;
}

std::string text_of(const bio_ptr& bio)
{
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string to_pem(X509* certificate)
{
    const bio_ptr bio(BIO_new(BIO_s_mem()));
    require(PEM_write_bio_X509(bio.get(), certificate) == 1, "PEM_write_bio_X509");
    return text_of(bio);
}

std::string to_pem(EVP_PKEY* key)
{
    const bio_ptr bio(BIO_new(BIO_s_mem()));
    require(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
            "PEM_write_bio_PrivateKey");
    return text_of(bio);
}

/// What sets one certificate apart from another; times are seconds from now.
struct plan
{
    std::string common_name;
    long valid_from = -day;
    long valid_until = 30 * day;
    std::vector<std::pair<int, const char*>> extensions;
};

void set_serial(X509* certificate)
{
    std::uint32_t serial = 0;
    require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1,
            "RAND_bytes");
    require(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) == 1, "serial");
}

void add_extension(X509* certificate, X509* issuer, int id, const char* value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const extension_ptr extension(X509V3_EXT_conf_nid(nullptr, &context, id, value));
    require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1, value);
}

/// `issuer` null: the certificate issues itself.
x509_ptr make(const plan& what, EVP_PKEY* key, X509* issuer, EVP_PKEY* signing_key)
{
    x509_ptr certificate(X509_new());
    require(certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1,
            "X509_new");
    set_serial(certificate.get());
    X509_NAME* name = X509_get_subject_name(certificate.get());
    const auto* text = reinterpret_cast<const unsigned char*>(what.common_name.c_str());
    require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1, "subject");
    X509* const parent = issuer != nullptr ? issuer : certificate.get();
    require(X509_set_issuer_name(certificate.get(), X509_get_subject_name(parent)) == 1, "issuer");
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), what.valid_from);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), what.valid_until);
    require(X509_set_pubkey(certificate.get(), key) == 1, "public key");
    for (const auto& [id, value] : what.extensions)
        add_extension(certificate.get(), parent, id, value);
    require(X509_sign(certificate.get(), signing_key, EVP_sha256()) > 0, "X509_sign");
    return certificate;
}

x509_ptr make_ca(EVP_PKEY* key)
{
    plan what;
    what.common_name = "regolo test CA (throw-away)";
    what.extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                       {NID_key_usage, "critical,keyCertSign,cRLSign"},
                       {NID_subject_key_identifier, "hash"}};
    return make(what, key, nullptr, key);
}

}  // namespace

struct certificate_authority::state
{
    key_ptr key;
    x509_ptr root;
    std::string pem;
};

certificate_authority::certificate_authority() : state_(std::make_unique<state>())
{
    state_->key = make_key();
    state_->root = make_ca(state_->key.get());
    state_->pem = to_pem(state_->root.get());
}

certificate_authority::~certificate_authority() = default;
certificate_authority::certificate_authority(certificate_authority&&) noexcept = default;
certificate_authority& certificate_authority::operator=(certificate_authority&&) noexcept = default;

const std::string& certificate_authority::pem() const noexcept { return state_->pem; }

certificate certificate_authority::issue_server(leaf kind) const
{
    static constexpr auto here = "DNS:localhost,IP:127.0.0.1,IP:::1";
    const key_ptr key = make_key();
    plan what;
    what.common_name = "regolo test server";
    what.extensions = {
        {NID_subject_alt_name, kind == leaf::wrong_host ? "DNS:wrong.example" : here},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"}};
    if (kind == leaf::expired)
    {
        what.valid_from = -10 * day;
        what.valid_until = -day;
    }
    if (kind == leaf::not_yet_valid)
        what.valid_from = 10 * day;
    const bool by_itself = kind == leaf::self_signed;
    const x509_ptr made = make(what, key.get(), by_itself ? nullptr : state_->root.get(),
                               by_itself ? key.get() : state_->key.get());
    return {to_pem(made.get()), to_pem(key.get())};
}

certificate certificate_authority::issue_client(const std::string& common_name) const
{
    const key_ptr key = make_key();
    plan what;
    what.common_name = common_name;
    what.extensions = {{NID_key_usage, "critical,digitalSignature"},
                       {NID_ext_key_usage, "clientAuth"}};
    const x509_ptr made = make(what, key.get(), state_->root.get(), state_->key.get());
    return {to_pem(made.get()), to_pem(key.get())};
}

}  // namespace regolo::inline v0::testing
