# Headers only. Defines Hnswlib::hnswlib.
find_path(HNSWLIB_INCLUDE_DIR hnswlib/hnswlib.h)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Hnswlib REQUIRED_VARS HNSWLIB_INCLUDE_DIR)
if(Hnswlib_FOUND AND NOT TARGET Hnswlib::hnswlib)
  add_library(Hnswlib::hnswlib INTERFACE IMPORTED)
  set_target_properties(Hnswlib::hnswlib PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES ${HNSWLIB_INCLUDE_DIR})
endif()
