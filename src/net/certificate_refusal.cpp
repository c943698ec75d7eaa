#include "net/certificate_refusal.hpp"

#include "core/utf8.hpp"
#include "net/openssl_ptr.hpp"

#include <boost/asio/ip/address.hpp>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <string_view>
#include <vector>

namespace regolo::net {

namespace {

// A chain that is refused may have been made to fill a log.
constexpr int shown_certificates = 5;
constexpr std::size_t shown_names = 8;
constexpr std::size_t shown_characters = 120;

using names_ptr = std::unique_ptr<GENERAL_NAMES, openssl_free<GENERAL_NAMES_free>>;

std::string readable(std::string_view text) { return core::printable(text, shown_characters); }

std::string name_text(const X509_NAME* name)
{
    const bio_ptr out(BIO_new(BIO_s_mem()));
    if (name == nullptr || !out)
        return "?";
    X509_NAME_print_ex(out.get(), name, 0,
                       XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ & ~ASN1_STRFLGS_ESC_MSB);
    char* text = nullptr;
    const auto size = BIO_get_mem_data(out.get(), &text);
    return size > 0 ? readable({text, static_cast<std::size_t>(size)}) : "(no name)";
}

std::string time_text(const std::tm& time)
{
    std::array<char, 32> text{};
    const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &time);
    return {text.data(), size};
}

std::string time_text(const ASN1_TIME* time)
{
    std::tm parts{};
    return time != nullptr && ASN1_TIME_to_tm(time, &parts) == 1 ? time_text(parts) : "?";
}

std::string clock_text()
{
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    return gmtime_r(&now, &parts) != nullptr ? time_text(parts) : "?";
}

std::string_view bytes_of(const ASN1_STRING* text)
{
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))};
}

template <class Address>
std::string address_text(std::string_view bytes)
{
    typename Address::bytes_type raw{};
    std::copy(bytes.begin(), bytes.end(), raw.begin());
    return Address(raw).to_string();
}

std::string address_text(std::string_view bytes)
{
    namespace ip = boost::asio::ip;
    switch (bytes.size())
    {
        case 4:
            return address_text<ip::address_v4>(bytes);
        case 16:
            return address_text<ip::address_v6>(bytes);
        default:
            return "an address of " + std::to_string(bytes.size()) + " bytes";
    }
}

// Empty for kinds that name no server.
std::string name_text(const GENERAL_NAME& name)
{
    switch (name.type)
    {
        case GEN_DNS:
            return readable(bytes_of(name.d.dNSName));
        case GEN_IPADD:
            return address_text(bytes_of(name.d.iPAddress));
        case GEN_URI:
            return readable(bytes_of(name.d.uniformResourceIdentifier));
        default:
            return {};
    }
}

/// "a.example, *.b.example, 10.0.0.1", as the certificate lists them; empty where it names no host.
std::string alternative_names(const X509* certificate)
{
    const names_ptr names(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    std::vector<std::string> all;
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i)
    {
        if (auto text = name_text(*sk_GENERAL_NAME_value(names.get(), i)); !text.empty())
            all.push_back(std::move(text));
    }
    std::string result;
    for (std::size_t i = 0; i < std::min(all.size(), shown_names); ++i)
        result += (i == 0 ? "" : ", ") + all[i];
    if (all.size() > shown_names)
        result += " and " + std::to_string(all.size() - shown_names) + " more";
    return result;
}

bool is_authority(X509* certificate) { return X509_check_ca(certificate) != 0; }

bool is_self_issued(const X509* certificate)
{
    return X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) ==
           0;
}

std::string certificate_text(X509* certificate)
{
    std::string text = "subject " + name_text(X509_get_subject_name(certificate)) + ", issuer " +
                       name_text(X509_get_issuer_name(certificate)) + ", valid from " +
                       time_text(X509_get0_notBefore(certificate)) + " until " +
                       time_text(X509_get0_notAfter(certificate));
    if (const auto names = alternative_names(certificate); !names.empty())
        text += ", for " + names;
    else if (!is_authority(certificate))
        text += ", for no host: it has no subjectAltName";
    return text;
}

/// Everything that the server sent, in its order.
std::string chain_text(const STACK_OF(X509) * sent)
{
    const int count = std::max(sk_X509_num(sent), 0);
    std::string text = count == 1 ? "the server sent one certificate"
                                  : "the server sent " + std::to_string(count) + " certificates";
    for (int i = 0; i < std::min(count, shown_certificates); ++i)
    {
        text += i == 0 ? ": " : "; ";
        text += '#' + std::to_string(i) + ' ' + certificate_text(sk_X509_value(sent, i));
    }
    if (count > shown_certificates)
        text += "; and " + std::to_string(count - shown_certificates) + " more";
    return text;
}

std::string issuer_of(X509_STORE_CTX* verification)
{
    const X509* const certificate = X509_STORE_CTX_get_current_cert(verification);
    return certificate == nullptr ? "its issuer" : name_text(X509_get_issuer_name(certificate));
}

std::string advice_on_issuer(X509_STORE_CTX* verification, const STACK_OF(X509) * sent,
                             const std::string& trust_note)
{
    const std::string issuer = issuer_of(verification);
    const X509* const first = sk_X509_num(sent) == 1 ? sk_X509_value(sent, 0) : nullptr;
    const bool is_alone = first != nullptr && !is_self_issued(first);
    std::string text;
    if (is_alone)
    {
        text = "the server does not send its intermediate certificate if " + issuer +
               " is one: it must send the whole chain; if that is the root, add it with ";
    }
    else
    {
        text = "no certificate of " + issuer + " is trusted here: if you trust it, add it with ";
    }
    return text + "tls_options::ca_file or SSL_CERT_FILE" + trust_note;
}

std::string advice_on_list(X509_STORE_CTX* verification)
{
    std::string text = "give tls_options::crl_file the current revocation list of " +
                       issuer_of(verification) + " and make a new client";
    if (const X509_CRL* const list = X509_STORE_CTX_get0_current_crl(verification))
    {
        text += "; the one it has is valid from " + time_text(X509_CRL_get0_lastUpdate(list)) +
                " until " + time_text(X509_CRL_get0_nextUpdate(list));
    }
    return text;
}

std::string advice(X509_STORE_CTX* verification, const STACK_OF(X509) * sent,
                   const std::string& trust_note)
{
    switch (X509_STORE_CTX_get_error(verification))
    {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return "the server needs a new certificate, unless this system's clock is wrong: it "
                   "says " +
                   clock_text();
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return "check this system's clock: it says " + clock_text();
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return "check the host in base_url: the names behind \"for\" are the ones that the "
                   "certificate is good for";
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return "if it is your own server, add that certificate with tls_options::ca_file or "
                   "SSL_CERT_FILE" +
                   trust_note;
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            return "the root of the chain is not trusted here: if you trust it, add it with "
                   "tls_options::ca_file or SSL_CERT_FILE" +
                   trust_note;
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return advice_on_issuer(verification, sent, trust_note);
        case X509_V_ERR_EE_KEY_TOO_SMALL:
        case X509_V_ERR_CA_KEY_TOO_SMALL:
        case X509_V_ERR_CA_MD_TOO_WEAK:
            return "it is too weak to prove anything: the server needs a new certificate, with an "
                   "RSA key of 2048 bits or more or an elliptic curve, and a SHA-256 signature";
        case X509_V_ERR_CERT_REVOKED:
            return "its authority has revoked it, says tls_options::crl_file: the server needs a "
                   "new certificate, and its key may be in other hands";
        case X509_V_ERR_UNABLE_TO_GET_CRL:
        case X509_V_ERR_CRL_HAS_EXPIRED:
        case X509_V_ERR_CRL_NOT_YET_VALID:
        case X509_V_ERR_CRL_SIGNATURE_FAILURE:
        case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
        case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
        case X509_V_ERR_DIFFERENT_CRL_SCOPE:
        case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
        case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
        case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
            return advice_on_list(verification);
        case X509_V_ERR_INVALID_CA:
        case X509_V_ERR_PATH_LENGTH_EXCEEDED:
        case X509_V_ERR_PERMITTED_VIOLATION:
        case X509_V_ERR_EXCLUDED_VIOLATION:
            return "an authority of the chain was not allowed to issue it: the server needs "
                   "another certificate";
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
            return "the key of its issuer is another one than that of the certificate that is "
                   "trusted under the same name: where the authority was made anew, trust the new "
                   "one (tls_options::ca_file)";
        case X509_V_ERR_INVALID_PURPOSE:
            return "it was not issued for servers: the server needs another certificate";
        default:
            return "the server needs another certificate";
    }
}

}  // namespace

std::string describe_refusal(X509_STORE_CTX* verification, const std::string& trust_note)
{
    const STACK_OF(X509)* const sent = X509_STORE_CTX_get0_untrusted(verification);
    std::string text = X509_verify_cert_error_string(X509_STORE_CTX_get_error(verification));
    if (const X509* const certificate = X509_STORE_CTX_get_current_cert(verification))
        text += " (" + name_text(X509_get_subject_name(certificate)) + ")";
    return text + "; " + advice(verification, sent, trust_note) + "; " + chain_text(sent);
}

}  // namespace regolo::net
