#pragma once

#include "testing/issue_certificate.hpp"

#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>

namespace regolo::test {

/// An authority that any name and time may be asked of; `issuer` null: a root.
testing::issued issue_authority(const std::string& name, const testing::issued* issuer = nullptr,
                                testing::certificate_plan what = {});

/// A list of the revoked ones, signed by `issuer`; times are seconds from now.
std::string revocation_list(const testing::issued& issuer,
                            std::initializer_list<const testing::issued*> revoked,
                            long from = -testing::day, long until = testing::day);

/// A folder for the files of a test, which goes with it.
class temporary_folder
{
public:
    temporary_folder();
    ~temporary_folder();
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;

    [[nodiscard]] std::string path(std::string_view name) const;
    /// Writes the file, also over an earlier one, and returns its path.
    [[nodiscard]] std::string write(std::string_view name, std::string_view content) const;

private:
    std::filesystem::path path_;
};

}  // namespace regolo::test
