#include "support/certificates.hpp"

#include <openssl/pem.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <unistd.h>

namespace regolo::test {

using namespace testing;

namespace {

void require(bool ok, const char* what)
{
    if (!ok)
        throw std::runtime_error(std::string("cannot make a revocation list: ") + what);
}

std::shared_ptr<ASN1_TIME> time_at(long seconds)
{
    return {X509_gmtime_adj(nullptr, seconds), ASN1_TIME_free};
}

void add_revoked(X509_CRL* list, const issued& which)
{
    X509_REVOKED* const entry = X509_REVOKED_new();
    require(
        entry != nullptr &&
            X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(which.certificate())) == 1 &&
            X509_REVOKED_set_revocationDate(entry, time_at(-1).get()) == 1 &&
            X509_CRL_add0_revoked(list, entry) == 1,
        "entry");
}

}  // namespace

issued issue_authority(const std::string& name, const issued* issuer, certificate_plan what)
{
    what.common_name = name;
    what.extensions.insert(what.extensions.begin(),
                           {{NID_basic_constraints, "critical,CA:TRUE"},
                            {NID_key_usage, "critical,keyCertSign,cRLSign"}});
    return issue(what, issuer);
}

std::string revocation_list(const issued& issuer, std::initializer_list<const issued*> revoked,
                            long from, long until)
{
    const std::shared_ptr<X509_CRL> list(X509_CRL_new(), X509_CRL_free);
    require(X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) == 1 &&
                X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(issuer.certificate())) ==
                    1 &&
                X509_CRL_set1_lastUpdate(list.get(), time_at(from).get()) == 1 &&
                X509_CRL_set1_nextUpdate(list.get(), time_at(until).get()) == 1,
            "head");
    for (const auto* each : revoked)
        add_revoked(list.get(), *each);
    require(X509_CRL_sign(list.get(), issuer.key(), EVP_sha256()) > 0, "signature");
    const std::shared_ptr<BIO> bio(BIO_new(BIO_s_mem()), BIO_free_all);
    require(PEM_write_bio_X509_CRL(bio.get(), list.get()) == 1, "PEM");
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

temporary_folder::temporary_folder()
{
    static std::atomic<int> count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("regolo_tls_" + std::to_string(::getpid()) + "_" + std::to_string(++count));
    std::filesystem::create_directory(path_);
}

temporary_folder::~temporary_folder()
{
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string temporary_folder::path(std::string_view name) const { return path_ / name; }

std::string temporary_folder::write(std::string_view name, std::string_view content) const
{
    const auto where = path(name);
    std::ofstream(where, std::ios::binary) << content;
    return where;
}

}  // namespace regolo::test
