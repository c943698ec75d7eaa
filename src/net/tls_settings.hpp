#pragma once

#include <regolo/options.hpp>

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

namespace regolo::net {

/// What all TLS connections with the same options share. Immutable once it is made.
struct tls_settings
{
    const std::shared_ptr<boost::asio::ssl::context> context =
        std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tls_client);
    bool verifies = true;
    bool has_client_certificate = false;
    /// What is wrong with SSL_CERT_FILE, for the refusal of an unknown authority: "; ..." or empty.
    std::string trust_note;
};

using session_callback = int (*)(SSL*, SSL_SESSION*);

/** The settings for those options, read once per process as long as they and their files stay as they are: loading the
    trust store takes 33 to 42 ms. The last ones made are kept; programs have one set of options.

    @param on_session  the same for all of them
    @throws error  `errc::bad_config` where a file or text of the options cannot be used
*/
std::shared_ptr<const tls_settings> shared_settings(const tls_options& options,
                                                    session_callback on_session);

}  // namespace regolo::net
