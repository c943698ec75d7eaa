#include "net/revocation.hpp"

#include "net/openssl_ptr.hpp"

#include <openssl/err.h>

#include <memory>

namespace regolo::net {

namespace {

void crl_stack_free(STACK_OF(X509_CRL) * all) { sk_X509_CRL_pop_free(all, X509_CRL_free); }
using lists_ptr = std::unique_ptr<STACK_OF(X509_CRL), openssl_free<crl_stack_free>>;

const ASN1_TIME* date_of(const X509_CRL* list) { return X509_CRL_get0_lastUpdate(list); }

/// Whether OpenSSL would use it: the issuer has signed it, and it is not one of tomorrow.
bool counts(X509_CRL* list, const X509* issuer)
{
    return X509_cmp_current_time(date_of(list)) < 0 &&
           X509_CRL_verify(list, X509_get0_pubkey(issuer)) == 1;
}

const ASN1_TIME* newest_date(const STACK_OF(X509_CRL) * lists, const X509* issuer)
{
    const ASN1_TIME* newest = nullptr;
    for (int i = 0; i < sk_X509_CRL_num(lists); ++i)
    {
        X509_CRL* const list = sk_X509_CRL_value(lists, i);
        const bool is_newer = newest == nullptr || ASN1_TIME_compare(date_of(list), newest) > 0;
        if (is_newer && counts(list, issuer))
            newest = date_of(list);
    }
    return newest;
}

bool has(X509_CRL* list, X509* certificate)
{
    X509_REVOKED* entry = nullptr;
    return X509_CRL_get0_by_cert(list, &entry, certificate) == 1;
}

bool is_listed(X509* certificate, const X509* issuer, const STACK_OF(X509_CRL) * lists)
{
    const auto* newest = newest_date(lists, issuer);
    if (newest == nullptr)
        return false;
    for (int i = 0; i < sk_X509_CRL_num(lists); ++i)
    {
        X509_CRL* const list = sk_X509_CRL_value(lists, i);
        if (ASN1_TIME_compare(date_of(list), newest) == 0 && has(list, certificate) &&
            counts(list, issuer))
            return true;
    }
    return false;
}

}  // namespace

bool is_revoked(X509_STORE_CTX* verification)
{
    const auto flags = X509_VERIFY_PARAM_get_flags(X509_STORE_CTX_get0_param(verification));
    X509* const certificate = X509_STORE_CTX_get_current_cert(verification);
    const X509* const issuer = X509_STORE_CTX_get0_current_issuer(verification);
    if ((flags & X509_V_FLAG_CRL_CHECK) == 0 || certificate == nullptr || issuer == nullptr)
        return false;
    ERR_set_mark();
    const lists_ptr lists(
        X509_STORE_CTX_get1_crls(verification, X509_get_issuer_name(certificate)));
    const bool result = lists && is_listed(certificate, issuer, lists.get());
    ERR_pop_to_mark();
    return result;
}

}  // namespace regolo::net
