#include "vrrp/admission.hpp"
