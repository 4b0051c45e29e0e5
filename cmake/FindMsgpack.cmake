# Headers only; releases disagree on the name of their package. Defines Msgpack::msgpack.
find_path(MSGPACK_INCLUDE_DIR msgpack.hpp)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Msgpack REQUIRED_VARS MSGPACK_INCLUDE_DIR)
if(Msgpack_FOUND AND NOT TARGET Msgpack::msgpack)
  add_library(Msgpack::msgpack INTERFACE IMPORTED)
  set_target_properties(Msgpack::msgpack PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${MSGPACK_INCLUDE_DIR})
endif()
