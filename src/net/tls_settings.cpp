#include "net/tls_settings.hpp"

#include "net/openssl_ptr.hpp"

#include <regolo/error.hpp>

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <utility>

namespace regolo::net {

namespace {

// RSA keys from 2048 bits, no SHA-1 signatures, no anonymous ciphers.
constexpr int least_security_level = 2;

void info_stack_free(STACK_OF(X509_INFO) * all) { sk_X509_INFO_pop_free(all, X509_INFO_free); }
using pem_objects = std::unique_ptr<STACK_OF(X509_INFO), openssl_free<info_stack_free>>;

[[noreturn]] void refuse(const char* option, const std::string& why)
{
    error_info info;
    info.code = errc::bad_config;
    info.message = std::string("tls_options::") + option + " cannot be used: " + why;
    throw error(std::move(info));
}

/// The last of OpenSSL's errors in its own words; clears them all.
std::string openssl_words()
{
    const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
    std::string words = reason == nullptr ? "it cannot be read" : reason;
    ERR_clear_error();
    return words;
}

/// Null, with the reason in `errno`, where there is no such file.
bio_ptr open(const std::string& path)
{
    // Not BIO_new_file(), whose errors lose the reason.
    std::FILE* const file = std::fopen(path.c_str(), "r");
    bio_ptr bio(file == nullptr ? nullptr : BIO_new_fp(file, BIO_CLOSE));
    return bio;
}

bio_ptr open(const char* option, const std::string& path)
{
    bio_ptr bio = open(path);
    if (!bio)
        refuse(option, path + ": " + std::generic_category().message(errno));
    return bio;
}

/// OpenSSL's own callback would ask on the terminal. Notes that it was called.
int no_pass_phrase(char*, int, int, void* was_called)
{
    *static_cast<bool*>(was_called) = true;
    return -1;
}

/// Everything in it, of which at least one must be what `has` looks for.
template <class Predicate>
pem_objects read_pem(const char* option, BIO* from, const std::string& place, const char* wanted,
                     Predicate has)
{
    bool ignored = false;
    pem_objects all(PEM_X509_INFO_read_bio(from, nullptr, &no_pass_phrase, &ignored));
    if (!all)
        refuse(option, place + "a part of it is broken: " + openssl_words());
    for (int i = 0; i < sk_X509_INFO_num(all.get()); ++i)
    {
        if (has(*sk_X509_INFO_value(all.get(), i)))
            return all;
    }
    refuse(option, place + "there is no PEM " + wanted + " in it (-----BEGIN ...)");
}

constexpr auto is_certificate = [](const X509_INFO& each) { return each.x509 != nullptr; };
constexpr auto is_list = [](const X509_INFO& each) { return each.crl != nullptr; };

void trust(SSL_CTX* context, const char* option, BIO* from, const std::string& place)
{
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    const auto all = read_pem(option, from, place, "certificate", is_certificate);
    for (int i = 0; i < sk_X509_INFO_num(all.get()); ++i)
    {
        const X509_INFO& each = *sk_X509_INFO_value(all.get(), i);
        if (is_certificate(each) && X509_STORE_add_cert(store, each.x509) != 1)
            refuse(option, place + openssl_words());
    }
}

void use_revocation_lists(SSL_CTX* context, const std::string& path)
{
    constexpr auto option = "crl_file";
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    const auto place = path + ": ";
    const auto from = open(option, path);
    const auto all = read_pem(option, from.get(), place, "revocation list", is_list);
    for (int i = 0; i < sk_X509_INFO_num(all.get()); ++i)
    {
        const X509_INFO& each = *sk_X509_INFO_value(all.get(), i);
        if (is_list(each) && X509_STORE_add_crl(store, each.crl) != 1)
            refuse(option, place + openssl_words());
    }
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
}

void show_certificate(SSL_CTX* context, const std::string& path)
{
    constexpr auto option = "client_cert_file";
    const auto place = path + ": ";
    const auto from = open(option, path);
    const auto all = read_pem(option, from.get(), place, "certificate", is_certificate);
    bool is_first = true;
    for (int i = 0; i < sk_X509_INFO_num(all.get()); ++i)
    {
        const X509_INFO& each = *sk_X509_INFO_value(all.get(), i);
        if (!is_certificate(each))
            continue;
        const auto used = is_first ? SSL_CTX_use_certificate(context, each.x509)
                                   : SSL_CTX_add1_chain_cert(context, each.x509);
        if (used != 1)
            refuse(option, place + openssl_words());
        is_first = false;
    }
}

void use_key(SSL_CTX* context, const char* option, const std::string& path)
{
    const auto place = path + ": ";
    const auto from = open(option, path);
    bool is_encrypted = false;
    const key_ptr key(PEM_read_bio_PrivateKey(from.get(), nullptr, &no_pass_phrase, &is_encrypted));
    if (is_encrypted)
    {
        ERR_clear_error();
        refuse(option,
               place +
                   "the key is encrypted, and nobody can be asked for its pass phrase: store it "
                   "without one (openssl pkey -in ENCRYPTED -out KEY), readable for you alone");
    }
    if (!key)
    {
        refuse(option, place + "there is no PEM private key in it (" + openssl_words() +
                           "); set tls_options::client_key_file to the key of client_cert_file");
    }
    // OpenSSL itself takes a key of another kind for that of another certificate.
    if (X509_check_private_key(SSL_CTX_get0_certificate(context), key.get()) != 1)
    {
        ERR_clear_error();
        refuse(option, place +
                           "it is not the key of the first certificate in "
                           "tls_options::client_cert_file");
    }
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1)
        refuse(option, place + openssl_words());
}

bool use_client_identity(SSL_CTX* context, const tls_options& options)
{
    if (options.client_cert_file.empty())
    {
        if (!options.client_key_file.empty())
            refuse("client_key_file", "client_cert_file, the certificate to that key, is not set");
        return false;
    }
    show_certificate(context, options.client_cert_file);
    // One file for both is common.
    if (options.client_key_file.empty())
        use_key(context, "client_cert_file", options.client_cert_file);
    else
        use_key(context, "client_key_file", options.client_key_file);
    return true;
}

std::string variable(const char* name)
{
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

/// OpenSSL passes over a file that it cannot use, as all programs that are built on it do.
std::string note_on_trust_store()
{
    const auto path = variable(X509_get_default_cert_file_env());
    if (path.empty())
        return {};
    const auto from = open(path);
    if (!from)
    {
        return "; SSL_CERT_FILE is " + path +
               ", which cannot be read: " + std::generic_category().message(errno);
    }
    bool is_encrypted = false;
    const certificate_ptr first(
        PEM_read_bio_X509_AUX(from.get(), nullptr, &no_pass_phrase, &is_encrypted));
    ERR_clear_error();
    if (!first)
        return "; SSL_CERT_FILE is " + path + ", which holds no PEM certificate that can be read";
    return {};
}

void set_policy(SSL_CTX* context)
{
    // The system's openssl.cnf may ask for more, but not for less.
    SSL_CTX_set_security_level(context,
                               std::max(SSL_CTX_get_security_level(context), least_security_level));
    if (SSL_CTX_get_min_proto_version(context) < TLS1_2_VERSION)
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    static constexpr std::array<unsigned char, 9> protocols{8,   'h', 't', 't', 'p',
                                                            '/', '1', '.', '1'};
    SSL_CTX_set_alpn_protos(context, protocols.data(), static_cast<unsigned>(protocols.size()));
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
}

std::shared_ptr<const tls_settings> load(const tls_options& options, session_callback on_session)
{
    auto settings = std::make_shared<tls_settings>();
    SSL_CTX* const context = settings->context->native_handle();
    ERR_clear_error();
    set_policy(context);
    SSL_CTX_sess_set_new_cb(context, on_session);
    // Covers SSL_CERT_FILE and SSL_CERT_DIR; a system without a store is no error, verification fails later.
    SSL_CTX_set_default_verify_paths(context);
    ERR_clear_error();
    settings->verifies = !options.dangerously_skip_verification;
    if (settings->verifies)
        settings->trust_note = note_on_trust_store();
    if (!options.ca_file.empty())
    {
        const auto from = open("ca_file", options.ca_file);
        trust(context, "ca_file", from.get(), options.ca_file + ": ");
    }
    if (!options.ca_pem.empty())
    {
        const bio_ptr from(
            BIO_new_mem_buf(options.ca_pem.data(), static_cast<int>(options.ca_pem.size())));
        trust(context, "ca_pem", from.get(), {});
    }
    if (!options.crl_file.empty())
    {
        use_revocation_lists(context, options.crl_file);
        // A resumed handshake shows no certificate that could be looked up in them.
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    }
    settings->has_client_certificate = use_client_identity(context, options);
    return settings;
}

/// Changes when the file does.
std::string stamp_of(const std::string& path)
{
    if (path.empty())
        return {};
    std::error_code no_file;
    const auto time = std::filesystem::last_write_time(path, no_file);
    const auto size = std::filesystem::file_size(path, no_file);
    return path + '\n' + std::to_string(time.time_since_epoch().count()) + '\n' +
           std::to_string(size);
}

using settings_key = std::array<std::string, 8>;

settings_key key_of(const tls_options& options)
{
    return {stamp_of(options.ca_file),
            options.ca_pem,
            stamp_of(options.crl_file),
            stamp_of(options.client_cert_file),
            stamp_of(options.client_key_file),
            options.dangerously_skip_verification ? "skip" : "",
            stamp_of(variable(X509_get_default_cert_file_env())),
            variable(X509_get_default_cert_dir_env())};
}

}  // namespace

std::shared_ptr<const tls_settings> shared_settings(const tls_options& options,
                                                    session_callback on_session)
{
    struct slot
    {
        std::mutex mutex;
        settings_key key;
        std::shared_ptr<const tls_settings> settings;
    };
    // Never destroyed: clients may outlive static objects.
    static auto& last = *new slot;

    auto key = key_of(options);
    const std::lock_guard lock(last.mutex);
    if (last.settings == nullptr || last.key != key)
    {
        last.settings = load(options, on_session);
        last.key = std::move(key);
    }
    return last.settings;
}

}  // namespace regolo::net
